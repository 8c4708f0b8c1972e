"""The key ring: kept in PostgreSQL, private parts encrypted, published over JWKS and Redis. authz alone writes it."""
