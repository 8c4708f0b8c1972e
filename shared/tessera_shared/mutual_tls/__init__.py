"""Mutual TLS (RFC 8705): client certificates, whom a handshake trusts, and the settings of the TLS port."""
