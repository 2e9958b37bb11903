"""The secrets of an installation: private, whole, kept on repeating, and each process given its own alone."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from kizashi import outside, secrets_command, topology
from services.kit.settings import SecretMissing
from tests.support.required import is_missing


def _made(folder: Path) -> None:
    """The installation's secrets; a machine without openssl makes all but the certificate, which is put there."""
    if shutil.which("openssl") is None:
        for name in ("tls/ca.pem", "servers/kafka/server.pem"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text("placed by hand", "ascii")
    secrets_command.make(folder, ("office",), ("kafka.example.jp",))


def test_secrets_are_private_whole_and_kept(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    _made(folder)
    files = {path: path.read_text("utf-8") for path in folder.rglob("*") if path.is_file()}
    assert {path.stat().st_mode & 0o777 for path in files if path.name not in {"ca.pem", "server.pem"}} == {
        0o600
    }
    assert (folder.stat().st_mode & 0o777) == 0o700
    outside.check_secrets(folder, outside.needed(("office",)))
    _made(folder)
    assert {path: path.read_text("utf-8") for path in files} == files


@pytest.mark.parametrize("service", topology.SERVICES)
def test_a_service_is_given_its_own_secrets_and_nobody_elses(service: str, tmp_path: Path) -> None:
    _made(tmp_path)
    own = {path.name: path.read_text() for path in (tmp_path / "services" / service).iterdir()}
    assert set(topology.KEYS[service]) | {"kafka", "postgres", "kafka-ca.pem"} <= own.keys()
    assert ("redis" in own) == (service == "gateway")
    own.pop("kafka-ca.pem")
    for other in topology.SERVICES:
        if other != service:
            theirs = {
                path.read_text()
                for path in (tmp_path / "services" / other).iterdir()
                if "ca.pem" not in path.name
            }
            assert not theirs & set(own.values())
    assert own["kafka"] == (tmp_path / "secrets/kafka" / service).read_text()


def test_the_canary_is_given_two_secrets_and_no_service_has_them(tmp_path: Path) -> None:
    _made(tmp_path)
    own = {path.name: path.read_text() for path in (tmp_path / "services" / topology.CANARY).iterdir()}
    assert own.keys() == {"postgres", "ingest-token"}
    assert own["postgres"] == (tmp_path / "secrets/postgres" / topology.CANARY_ROLE.name).read_text()
    for service in topology.SERVICES:
        theirs = {path.read_text() for path in (tmp_path / "services" / service).iterdir()}
        assert not theirs & set(own.values()), service


@pytest.mark.parametrize("content", ["", "short", "password", None])
def test_an_empty_short_or_missing_secret_stops_provisioning(content: str | None, tmp_path: Path) -> None:
    _made(tmp_path)
    victim = tmp_path / "secrets/kafka/notify"
    victim.unlink() if content is None else victim.write_text(content)
    with pytest.raises(SecretMissing, match="kafka/notify"):
        outside.check_secrets(tmp_path, outside.needed(()))


def test_the_brokers_certificate_names_it_and_is_signed_by_the_installation(tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        is_missing("the program openssl makes the broker's certificate")
    _made(tmp_path)
    chain, root = tmp_path / "servers/kafka/server.pem", tmp_path / "tls/ca.pem"
    words = ["openssl", "verify", "-CAfile", str(root), "-verify_hostname", "kafka.example.jp", str(chain)]
    assert subprocess.run(words, capture_output=True, check=False).returncode == 0
    words[5] = "elsewhere.example.jp"
    assert subprocess.run(words, capture_output=True, check=False).returncode != 0
