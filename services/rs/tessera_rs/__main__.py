"""`python -m tessera_rs --config configs/rs.yml` runs the resource server."""

import sys

from tessera_rs.startup import run
from tessera_shared.launch import launch

if __name__ == "__main__":
    sys.exit(launch("rs", run))
