"""What lives as long as the service: stores, keys, mailer and the like, made once at start."""

from dataclasses import dataclass

from tessera_idp.config import IdpConfig
from tessera_idp.issuer_metadata import IssuerMetadata
from tessera_idp.keys import IssuerKeys
from tessera_idp.login_methods.method import EmailCodes
from tessera_idp.mail import Mailer
from tessera_idp.mail.mailer import PURPOSE as MAILS_PURPOSE
from tessera_idp.mail.templates import load_mail_templates
from tessera_idp.store.devices import DeviceStore
from tessera_idp.store.email_codes import EmailCodeStore
from tessera_idp.store.logins_under_way import LoginsUnderWayStore
from tessera_idp.store.passkey_challenges import PasskeyChallenges
from tessera_idp.store.passkeys import PasskeyStore
from tessera_idp.store.recovery_codes import RecoveryCodeStore
from tessera_idp.store.sessions import SessionStore
from tessera_idp.store.totp import PURPOSE as TOTP_PURPOSE
from tessera_idp.store.totp import TotpStore
from tessera_idp.store.users import UserStore
from tessera_shared.argon2id import Argon2id
from tessera_shared.db import Database
from tessera_shared.fetch import Fetcher
from tessera_shared.keystore.live import LiveRing
from tessera_shared.metrics import Metrics
from tessera_shared.pairwise import Subjects
from tessera_shared.redis import Redis
from tessera_shared.replay import ReplayMemory
from tessera_shared.revocation.view import RevocationView
from tessera_shared.tracing import OFF, Traces


@dataclass(frozen=True, slots=True)
class Parts:
    """What lives as long as the service, and has work to do in the background or something to close."""

    database: Database
    redis: Redis
    ring: LiveRing
    subjects: Subjects
    revocations: RevocationView
    metadata: IssuerMetadata
    passwords: Argon2id
    users: UserStore
    devices: DeviceStore
    sessions: SessionStore
    passkeys: PasskeyStore
    challenges: PasskeyChallenges
    logins: LoginsUnderWayStore
    totp: TotpStore
    recovery_codes: RecoveryCodeStore
    email_codes: EmailCodes
    mailer: Mailer
    fetcher: Fetcher
    metrics: Metrics
    traces: Traces


def build_parts(config: IdpConfig, database: Database, redis: Redis, keys: IssuerKeys, traces: Traces = OFF) -> Parts:
    """The service's parts; none of them does anything yet.

    Raises:
        StartupError: The templates of mails are not installed, or authorities to trust cannot be read.

    """
    templates = load_mail_templates(config.branding, config.public_url)
    master_key = keys.master_key
    return Parts(
        database=database,
        redis=redis,
        ring=keys.ring,
        subjects=keys.subjects,
        revocations=RevocationView(database, redis),
        metadata=IssuerMetadata(config.metadata_url, config.issuer),
        passwords=Argon2id(config.passwords.workers, config.passwords.queue),
        users=UserStore(database),
        sessions=SessionStore(database, config.logout.revoke_grants),
        devices=DeviceStore(database),
        passkeys=PasskeyStore(database),
        challenges=PasskeyChallenges(master_key.derive(b"tessera idp passkeys"), ReplayMemory(database, redis)),
        logins=LoginsUnderWayStore(database),
        totp=TotpStore(database, master_key.derive(TOTP_PURPOSE)),
        recovery_codes=RecoveryCodeStore(database),
        email_codes=EmailCodes(
            EmailCodeStore(database), master_key.derive(b"tessera idp e-mail codes"), config.login.email_codes
        ),
        mailer=Mailer(templates, master_key.derive(MAILS_PURPOSE)),
        fetcher=Fetcher(config.fetch),
        metrics=Metrics(),
        traces=traces,
    )
