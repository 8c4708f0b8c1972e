"""One file per endpoint: a numbered list of steps, no rules."""
