"""The whole stack on one machine: with Docker Compose, or embedded, without Docker.

`python -m stack up` starts it. All of it but the embedded part runs on a bare Python, with the standard library only.
"""
