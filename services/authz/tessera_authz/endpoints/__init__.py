"""Endpoints: one file each, a numbered list of steps; the rules stand elsewhere."""
