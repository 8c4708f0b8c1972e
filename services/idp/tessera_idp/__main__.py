"""`python -m tessera_idp --config configs/idp.yml`."""

import sys

from tessera_idp.startup import run
from tessera_shared.launch import launch

if __name__ == "__main__":
    sys.exit(launch("idp", run))
