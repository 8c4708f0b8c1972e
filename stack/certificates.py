"""The demo authority's certificates for whoever calls the TLS ports: out of either stack, into one folder."""

import io
import shutil
import tarfile
from pathlib import Path

from stack.compose import ComposeStack
from stack.errors import StackError

__all__ = ["FOLDER", "from_compose", "from_embedded"]

FOLDER = "certificates"


def from_embedded(directory: Path) -> Path:
    """Make them if the embedded stack has not done so yet, and copy them; returns where they are."""
    try:
        from tessera_shared.demo_certificates import make_certificates  # noqa: PLC0415 - only the embedded stack has it
    except ModuleNotFoundError as error:
        raise StackError(f"{error.name} is not installed here; `make certs` installs everything") from error
    secrets = directory / "secrets"
    secrets.mkdir(mode=0o700, parents=True, exist_ok=True)
    make_certificates(secrets)
    return _put(directory, {path.name: path.read_bytes() for path in (secrets / FOLDER).iterdir()})


def from_compose(directory: Path, stack: ComposeStack) -> Path:
    """Let the stack's own `provision` make them if they are not there yet, and copy them; returns where they are."""
    with tarfile.open(fileobj=io.BytesIO(stack.certificates())) as archive:
        files = {member.name: archive.extractfile(member) for member in archive if member.isfile()}
        return _put(directory, {Path(name).name: file.read() for name, file in files.items() if file is not None})


def _put(directory: Path, files: dict[str, bytes]) -> Path:
    """Into a folder of their own, for the owner's eyes only; what an earlier authority issued goes."""
    target = directory / FOLDER
    if target.exists():
        shutil.rmtree(target)
    target.mkdir(mode=0o700, parents=True)
    for name, content in files.items():
        path = target / name
        path.touch(mode=0o600)
        path.write_bytes(content)
    return target
