"""The account that PostgreSQL runs under when we are root, which it refuses to be.

A fixed number without an entry in the machine's user database: no account is made, no folder of
anyone is opened. Where a folder above the data or the programs is closed to that account (a checkout under
/root), the server keeps the one capability that lets it pass.
"""

from __future__ import annotations

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

# Debian's policy keeps 65000 to 65533 unassigned.
_NUMBER = 65_147


_NAMED = "nobody"


@dataclass(frozen=True)
class Account:
    """A (uid, gid) to run a server under, and whether folders on its way are closed to it."""

    uid: int
    gid: int
    pass_any_folder: bool

    def own(self, path: Path) -> None:
        """Give `path` to the account."""
        os.chown(path, self.uid, self.gid)

    def own_all(self, folder: Path) -> None:
        """Give `folder` and all below it to the account."""
        self.own(folder)
        for parent, folders, files in os.walk(folder):
            for name in (*folders, *files):
                os.chown(Path(parent, name), self.uid, self.gid, follow_symlinks=False)

    def named(self) -> Account:
        """The same group under a user that has a name: initdb wants one."""
        return Account(pwd.getpwnam(_NAMED).pw_uid, self.gid, self.pass_any_folder)


def _closed_to_others(path: Path) -> bool:
    return any(not folder.stat().st_mode & stat.S_IXOTH for folder in path.parents)


def server_account(data_dir: Path, programs: Path) -> Account | None:
    """The account to drop to, None when we are not root. Opens `data_dir` itself to its group only (0710)."""
    if os.geteuid() != 0:
        return None
    os.chown(data_dir, 0, _NUMBER)
    data_dir.chmod(0o710)
    return Account(_NUMBER, _NUMBER, _closed_to_others(data_dir) or _closed_to_others(programs))
