"""Tokens: what each kind holds, how it is made, and the one place that issues them."""
