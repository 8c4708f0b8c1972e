"""One file per endpoint: numbered steps, no rules."""
