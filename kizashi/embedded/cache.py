"""Where downloads live: one cache per user, shared by every data folder, filled by whole-folder renames.

A folder either carries the digest of the lock file that produced it in its name and is complete,
or it does not exist. So an interrupted download never leaves a half-filled cache behind.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


def cache_dir() -> Path:
    """The cache folder: `$KIZASHI_CACHE`, else `$XDG_CACHE_HOME/kizashi`, else `~/.cache/kizashi`."""
    chosen = os.environ.get("KIZASHI_CACHE")
    if chosen:
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "kizashi"


def digest_of(*files: Path) -> str:
    """First 16 hex digits of the SHA-256 over the contents of `files`, in order."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


@contextmanager
def _only_one_filling(target: Path) -> Iterator[None]:
    target.parent.mkdir(parents=True, exist_ok=True)
    with (target.parent / f".{target.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def fill_once(target: Path, fill: Callable[[Path], None]) -> Path:
    """Return `target`, filling it first if it is missing.

    `fill` receives an empty folder beside the target; it becomes the target only if `fill` returns.
    Other processes wait meanwhile, so a download happens once. A filled cache may be read-only.
    """
    if target.is_dir():
        return target
    with _only_one_filling(target):
        if not target.is_dir():
            draft = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
            try:
                fill(draft)
                draft.chmod(0o755)
                draft.rename(target)
            finally:
                shutil.rmtree(draft, ignore_errors=True)
    return target
