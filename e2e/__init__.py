"""The end-to-end tests: a running stack, asked by HTTP and browser only."""
