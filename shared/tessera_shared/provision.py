"""Makes the stack's secrets: one folder per consumer, holding only what that consumer needs.

`python -m tessera_shared.provision DIR` may run any number of times: a secret that is there is never changed. A secret
that two consumers share (a database role's password: the migrate step sets it, the service uses it) has the same value
in both folders. `redis/users.acl` holds no secret of its own, only hashes: it follows the passwords and this release.
"""

import argparse
import base64
import hashlib
import os
import secrets
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tessera_shared.demo_certificates import FOLDER as CERTIFICATES
from tessera_shared.demo_certificates import make_certificates
from tessera_shared.private_file import write_private

__all__ = ["Owners", "ProvisionError", "main", "provision"]

SERVICES = ("authz", "idp", "rs")

CONNECTION = "+ping +hello +auth +quit +reset +select +client|setinfo +client|setname +client|getname +client|id"
FOLLOW = (
    "+get +mget +exists +ttl +pttl +time +subscribe +unsubscribe +psubscribe +punsubscribe"
    " +xread +xrange +xrevrange +xlen +xinfo|stream +set +expire +multi +exec +discard"
)
RIGHTS = {
    "authz": f"~tessera:* &tessera:* {CONNECTION} +@read +@write +@pubsub +@transaction +@scripting +time"
    " -@admin -@dangerous",
    "idp": f"%R~tessera:* ~tessera:jti:* ~tessera:throttle:* &tessera:* {CONNECTION} {FOLLOW} +eval +evalsha"
    " (~tessera:revocations +xadd)",
    "rs": f"%R~tessera:* ~tessera:jti:* &tessera:* {CONNECTION} {FOLLOW}",
    "health": "+ping",
}
"""What each Redis user may do: authz writes and announces, idp and rs follow and may remember used token ids;
idp also counts for its limits and announces what a logout revoked."""


class ProvisionError(Exception):
    """The secrets could not be made, or do not belong together."""


@dataclass(frozen=True, slots=True)
class Owners:
    """Who owns the files: user ids by folder, and one for the folders not named; None leaves them to the caller."""

    default: int | None = None
    folders: Mapping[str, int] = field(default_factory=dict)

    def of(self, folder: str) -> int | None:
        """The user id that owns this folder and the files in it."""
        return self.folders.get(folder, self.default)


def main() -> int:
    """Run the command; one clear line and status 1 on failure."""
    parser = argparse.ArgumentParser(prog="python -m tessera_shared.provision", description=__doc__)
    parser.add_argument("directory", type=Path, metavar="DIR", help="where the folders go")
    parser.add_argument(
        "--owner",
        action="append",
        default=[],
        metavar="[FOLDER=]UID",
        help="user id that owns the files, of one folder or of all others (needs root)",
    )
    arguments = parser.parse_args()
    try:
        certificates = make_certificates(arguments.directory)
        made = provision(arguments.directory, _parse_owners(arguments.owner))
    except (ProvisionError, OSError) as error:
        print(f"tessera provision: {error}", file=sys.stderr)  # noqa: T201 - a command line tool
        return 1
    print(  # noqa: T201 - a command line tool
        f"tessera provision: {len(made)} secrets and {len(certificates)} certificates made in {arguments.directory}"
    )
    return 0


def provision(directory: Path, owners: Owners | None = None) -> list[str]:
    """Make what is missing below `directory`.

    Returns:
        The places that were written, such as `authz/master_key`; empty when everything was there.

    Raises:
        ProvisionError: Two folders hold different values of one shared secret.

    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    made: list[str] = []
    for places, generate in _secrets():
        made += _place(directory, places, generate)
    _write_acl(directory)
    for folder in ("postgres", "migrate", "redis", *SERVICES, CERTIFICATES):
        if (directory / folder).exists():
            _hand_over(directory / folder, (owners or Owners()).of(folder))
    return made


def _secrets() -> list[tuple[list[str], Callable[[], str]]]:
    """Every secret: the places that hold it, and how it is made."""
    password = _password
    table = [(["postgres/password", "migrate/database_password"], password)]
    table += [([f"{service}/database_password", f"migrate/{service}_password"], password) for service in SERVICES]
    table += [([f"{service}/redis_password"], password) for service in SERVICES]
    table += [(["redis/health_password"], password), (["authz/master_key", "idp/master_key"], _key)]
    table += [(["rs/nonce_key"], _key)]
    return table


def _password() -> str:
    return secrets.token_urlsafe(32)


def _key() -> str:
    """A 32-byte AES-256 key as base64url without padding."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).rstrip(b"=").decode()


def _place(directory: Path, places: list[str], generate: Callable[[], str]) -> list[str]:
    """Put one secret in all its places; a value that one of them already holds wins."""
    held = {
        place: (directory / place).read_text(encoding="ascii").strip() for place in places if _has(directory / place)
    }
    if len(set(held.values())) > 1:
        raise ProvisionError(f"{' and '.join(held)} in {directory} should hold the same secret and do not")
    value = next(iter(held.values()), None) or generate()
    missing = [place for place in places if place not in held]
    for place in missing:
        write_private(directory / place, value + "\n")
    return missing


def _has(path: Path) -> bool:
    """Whether the file is there and holds something: a crash must not leave an empty secret for ever."""
    return path.exists() and path.stat().st_size > 0


def _write_acl(directory: Path) -> None:
    """Write the Redis users, unless the file already says the same."""
    passwords = {service: directory / service / "redis_password" for service in SERVICES}
    passwords["health"] = directory / "redis" / "health_password"
    lines = ["user default off resetpass resetkeys resetchannels -@all"]
    for user, path in passwords.items():
        digest = hashlib.sha256(path.read_text(encoding="ascii").strip().encode()).hexdigest()
        lines.append(f"user {user} on #{digest} resetkeys resetchannels -@all {RIGHTS[user]}")
    target = directory / "redis" / "users.acl"
    content = "\n".join(lines) + "\n"
    if not target.exists() or target.read_text(encoding="ascii") != content:
        write_private(target, content)


def _hand_over(folder: Path, owner: int | None) -> None:
    """Give the folder and its files to the user that reads them."""
    if owner is None:
        return
    for path in (folder, *folder.iterdir()):
        os.chown(path, owner, owner)
        path.chmod(0o700 if path.is_dir() else 0o600)


def _parse_owners(options: list[str]) -> Owners:
    default: int | None = None
    folders: dict[str, int] = {}
    for option in options:
        folder, _, uid = option.rpartition("=")
        if not uid.isdecimal():
            raise ProvisionError(f"--owner {option}: the user id must be a number")
        if folder:
            folders[folder] = int(uid)
        else:
            default = int(uid)
    return Owners(default, folders)


if __name__ == "__main__":
    sys.exit(main())
