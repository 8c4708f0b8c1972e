"""The provision command: what it makes, what it never changes, and what the Redis users may do."""

import base64
import os
import stat
import subprocess
import sys

import pytest

from tessera_shared.provision import Owners, ProvisionError, provision

EXPECTED = {
    "postgres/password",
    *(f"migrate/{name}_password" for name in ("database", "authz", "idp", "rs")),
    *(f"authz/{name}" for name in ("database_password", "redis_password", "master_key")),
    *(f"idp/{name}" for name in ("database_password", "redis_password", "master_key")),
    *(f"rs/{name}" for name in ("database_password", "redis_password", "nonce_key")),
    "redis/users.acl",
    "redis/health_password",
}


def files(directory):
    return {str(path.relative_to(directory)): path.read_text() for path in directory.rglob("*") if path.is_file()}


def test_each_consumer_gets_exactly_its_own_files(tmp_path):
    provision(tmp_path)
    assert set(files(tmp_path)) == EXPECTED


def test_only_the_owner_may_read(tmp_path):
    provision(tmp_path / "secrets")
    for path in (tmp_path / "secrets", *(tmp_path / "secrets").rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_a_second_run_changes_nothing(tmp_path):
    assert provision(tmp_path)
    before = files(tmp_path)
    assert provision(tmp_path) == []
    assert files(tmp_path) == before


def test_master_key_is_32_bytes_and_the_same_for_authz_and_idp(tmp_path):
    provision(tmp_path)
    key = (tmp_path / "authz/master_key").read_text().strip()
    assert len(base64.urlsafe_b64decode(key + "=")) == 32
    assert key == (tmp_path / "idp/master_key").read_text().strip()


def test_shared_passwords_agree_and_all_others_differ(tmp_path):
    provision(tmp_path)
    made = files(tmp_path)
    assert made["postgres/password"] == made["migrate/database_password"]
    for service in ("authz", "idp", "rs"):
        assert made[f"{service}/database_password"] == made[f"migrate/{service}_password"]
    assert len(set(made.values())) == 11


def test_a_lost_copy_is_made_again_from_the_other(tmp_path):
    provision(tmp_path)
    before = files(tmp_path)
    (tmp_path / "migrate/authz_password").unlink()
    (tmp_path / "authz/master_key").write_text("")
    assert sorted(provision(tmp_path)) == ["authz/master_key", "migrate/authz_password"]
    assert files(tmp_path) == before


def test_copies_that_disagree_are_refused(tmp_path):
    provision(tmp_path)
    (tmp_path / "rs/database_password").write_text("another")
    with pytest.raises(ProvisionError, match="rs/database_password and migrate/rs_password"):
        provision(tmp_path)


def test_the_acl_follows_a_changed_password(tmp_path):
    provision(tmp_path)
    before = (tmp_path / "redis/users.acl").read_text()
    (tmp_path / "rs/redis_password").write_text("changed by hand")
    provision(tmp_path)
    assert (tmp_path / "redis/users.acl").read_text() != before


def test_the_acl_shows_no_password(tmp_path):
    provision(tmp_path)
    acl = (tmp_path / "redis/users.acl").read_text()
    for service in ("authz", "idp", "rs"):
        assert (tmp_path / service / "redis_password").read_text().strip() not in acl
    assert "user default off" in acl


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_each_folder_goes_to_its_owner(tmp_path):
    provision(tmp_path, Owners(10001, {"redis": 999}))
    for path in tmp_path.rglob("*"):
        wanted = 999 if "redis" in path.relative_to(tmp_path).parts[0] else 10001
        assert path.stat().st_uid == wanted, path


def test_command_fails_with_one_line(tmp_path):
    command = [sys.executable, "-m", "tessera_shared.provision", str(tmp_path), "--owner", "nobody"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own module
    assert done.returncode == 1
    assert done.stderr == "tessera provision: --owner nobody: the user id must be a number\n"
