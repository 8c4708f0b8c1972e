"""Tessera's authorization server (OAuth 2.1, OpenID Connect): decides who may have which token, and issues it."""
