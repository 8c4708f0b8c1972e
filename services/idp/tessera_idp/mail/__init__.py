"""Mail to users: written from templates, kept in an outbox until the mail server has it, sent in the background."""

from tessera_idp.mail.mailer import Mailer
from tessera_idp.mail.templates import Mail

__all__ = ["Mail", "Mailer"]
