"""`master-key`: what the identity provider keeps sealed, brought under the master key in use."""

from tessera_idp.commands.work import Work
from tessera_idp.mail.mailer import sealed_mails
from tessera_idp.store.totp import sealed_authenticators
from tessera_shared.command_line import Group, Result
from tessera_shared.resealing import reseal_all
from tessera_shared.rotating_key import load_master_key


async def reseal(work: Work) -> Result:
    """Seal anew what an earlier master key sealed; once nothing is left, that key can be removed."""
    keys = work.config.keys
    master_key = load_master_key(keys.master_key_file, keys.further_master_key_files)
    columns = {"authenticator apps": sealed_authenticators(master_key), "mails": sealed_mails(master_key)}
    return await reseal_all(work.database, columns, work.actor)


GROUP = Group("The master key: `keys.master_key_file`.", {"reseal": reseal})
