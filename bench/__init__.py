"""The benchmark: Tessera beside npm oidc-provider in one alternating run (`make bench`; docs/benchmark.md)."""
