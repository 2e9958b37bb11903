"""Secrets of one data folder: each generated at random on first use, alone in a file that only we can read."""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path

_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]*(/[a-z0-9][a-z0-9_.-]*)*")
_BYTES = 24


class Secrets:
    """The folder `<data_dir>/secrets` (0700), one file (0600) per secret, e.g. `kafka/ingest`."""

    def __init__(self, data_dir: Path) -> None:
        self.folder = data_dir / "secrets"
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def path(self, name: str) -> Path:
        """The file of secret `name`; it may not exist yet. Raises ValueError on a name that is no plain path."""
        if not _NAME.fullmatch(name):
            raise ValueError("a secret's name is lower-case words separated by '/'")
        return self.folder / name

    def get_or_create(self, name: str) -> str:
        """The secret `name` (32 URL-safe characters, 192 bits), generated on first use."""
        path = self.path(name)
        if not path.exists():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_once(path, secrets.token_urlsafe(_BYTES))
        secret = path.read_text(encoding="ascii").strip()
        if not secret:
            raise ValueError(f"the secret file {path} is empty: delete it to have a new one made")
        return secret


def write_once(path: Path, text: str) -> None:
    """Write a 0600 file whole or not at all; if another process or thread was first, its content stands."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    try:
        os.link(draft, path)
    except FileExistsError:
        return
    finally:
        draft.unlink()


def write_private(path: Path, text: str) -> Path:
    """Replace `path` by a 0600 file with `text` (a configuration that holds a password)."""
    draft = path.with_name(f".{path.name}.draft")
    draft.unlink(missing_ok=True)
    with os.fdopen(
        os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
    ) as file:
        file.write(text)
    draft.replace(path)
    return path
