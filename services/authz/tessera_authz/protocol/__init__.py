"""The rules of OAuth and OpenID Connect as pure functions: no I/O, no clock, no randomness."""
