"""What the three Tessera services have in common. Imports no service."""
