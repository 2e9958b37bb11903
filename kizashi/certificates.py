"""A certificate authority of one installation and the broker's certificate, made with the program ``openssl``.

The authority signs nothing but the broker; clients verify the broker's name against it. Keys never leave the
secrets folder. Existing files are kept: renewing is deleting the broker's certificate and asking again.
"""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from kizashi.embedded.secret_files import write_private

_DAYS = 3650
_CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


class OpensslMissing(RuntimeError):
    """The program ``openssl`` is not installed, or refused."""


def _openssl(*words: str) -> None:
    program = shutil.which("openssl")
    if program is None:
        raise OpensslMissing("install the program openssl: it makes the broker's certificate")
    # PATH alone: a home folder's or a machine's OpenSSL settings must not change what is made here
    environment = {"PATH": os.environ.get("PATH", os.defpath), "OPENSSL_CONF": os.devnull}
    done = subprocess.run([program, *words], capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise OpensslMissing(f"openssl {words[0]} ended with {done.returncode}: {done.stderr.strip()[-400:]}")


def authority(folder: Path) -> Path:
    """The authority's certificate in ``folder`` (PEM), made with its key on first use.

    Raises:
        OpensslMissing: the program cannot be used.
    """
    key, certificate = folder / "ca.key", folder / "ca.pem"
    if certificate.exists():
        return certificate
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_private(key, "")
    write_private(folder / "ca.draft", "")
    _openssl(
        *("req", "-x509", *_CURVE, "-days", str(_DAYS), "-subj", "/CN=Kizashi installation authority"),
        *("-addext", "basicConstraints=critical,CA:TRUE,pathlen:0"),
        *("-addext", "keyUsage=critical,keyCertSign,cRLSign"),
        *("-keyout", str(key), "-out", str(folder / "ca.draft")),
    )
    (folder / "ca.draft").replace(certificate)
    return certificate


def broker(folder: Path, names: Sequence[str], target: Path) -> Path:
    """The broker's key and certificate chain in one PEM file ``target``, valid for the host ``names``.

    Raises:
        OpensslMissing: the program cannot be used.
    """
    if target.exists():
        return target
    root = authority(folder)
    parts = {name: write_private(folder / f"broker.{name}", "") for name in ("key", "csr", "crt", "ext")}
    write_private(parts["ext"], _extensions(names))
    try:
        _openssl(
            *("req", "-new", *_CURVE, "-subj", f"/CN={names[0]}"),
            *("-keyout", str(parts["key"]), "-out", str(parts["csr"])),
        )
        _openssl(
            *("x509", "-req", "-in", str(parts["csr"]), "-CA", str(root), "-CAkey", str(folder / "ca.key")),
            *("-set_serial", f"0x{os.urandom(16).hex()}", "-days", str(_DAYS), "-sha256"),
            *("-extfile", str(parts["ext"]), "-out", str(parts["crt"])),
        )
        texts = [path.read_text("ascii") for path in (parts["key"], parts["crt"], root)]
        return write_private(target, "".join(texts))
    finally:
        for path in parts.values():
            path.unlink(missing_ok=True)


def _extensions(names: Sequence[str]) -> str:
    hosts = ",".join(f"DNS:{name}" for name in names)
    return f"subjectAltName={hosts}\nextendedKeyUsage=serverAuth,clientAuth\nkeyUsage=critical,digitalSignature\n"
