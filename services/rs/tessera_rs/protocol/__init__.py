"""Pure rules of the protected resources."""
