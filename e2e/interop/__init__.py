"""Clients and a resource server that nobody here wrote, against the running stack."""
