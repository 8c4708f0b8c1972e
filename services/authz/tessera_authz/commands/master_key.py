"""`master-key`: what authz keeps sealed, brought under the master key in use."""

from tessera_authz.commands.work import Work
from tessera_authz.store.client_secrets import sealed_secrets
from tessera_shared.command_line import Group, Result
from tessera_shared.keystore.store import sealed_ring
from tessera_shared.keystore.subject_key import sealed_lasting
from tessera_shared.resealing import reseal_all


async def reseal(work: Work) -> Result:
    """Seal anew what an earlier master key sealed; once nothing is left, that key can be removed."""
    columns = {
        "keys": sealed_ring(work.master_key),
        "lasting keys": sealed_lasting(work.master_key),
        "client secrets": sealed_secrets(work.sealer),
    }
    return await reseal_all(work.database, columns, work.actor)


GROUP = Group("The master key: `keys.master_key_file`.", {"reseal": reseal})
