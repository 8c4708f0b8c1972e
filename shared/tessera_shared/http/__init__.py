"""HTTP as all three services speak it: one exchange around each request, one place for errors, one ASGI server."""
