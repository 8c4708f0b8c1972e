"""`python -m tessera_authz --config configs/authz.yml`."""

import sys

from tessera_authz.startup import run
from tessera_shared.launch import launch

if __name__ == "__main__":
    sys.exit(launch("authz", run))
