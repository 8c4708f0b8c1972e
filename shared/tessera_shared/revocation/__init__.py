"""Revocation of access tokens: durable in PostgreSQL, announced over a Redis stream, held in memory by verifiers."""
