"""A tiny parent for one server process, which ends the server when its own parent ends, however that ends.

Started as a script (`python -I -S guard.py`), with nothing imported from this package. It watches the
starting process by a pidfd (its whole process, not the thread that happened to start us) and by end of
file on stdin, either of which stops the server: its stop signal first, SIGKILL after the grace time.
It adopts the server's orphans, so that none outlives it; and the server itself asks the kernel for a
signal on the guard's death, so killing the guard ends the server too.

stdin: one line of JSON (`Order` below), then nothing until end of file. stdout: the server's pid.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import sys
import time
from typing import NoReturn, TypedDict

PR_SET_PDEATHSIG = 1
PR_SET_KEEPCAPS = 8
PR_SET_CHILD_SUBREAPER = 36
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
CAP_DAC_OVERRIDE = 1
_LINUX_CAPABILITY_VERSION_3 = 0x20080522

_libc = ctypes.CDLL(None, use_errno=True)


class Order(TypedDict):
    """What to run and how to end it. `account` is (uid, gid) to drop to, or None to stay."""

    parent_pid: int
    argv: list[str]
    environment: dict[str, str]
    folder: str
    log: str
    account: tuple[int, int] | None
    pass_any_folder: bool
    stop_signal: int
    orphan_signal: int
    grace_seconds: float


def _checked(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def _keep_only_folder_access() -> None:
    """Keep one capability across exec: to pass folders that are closed to the account dropped to."""
    header = (ctypes.c_uint32 * 2)(_LINUX_CAPABILITY_VERSION_3, 0)
    bit = 1 << CAP_DAC_OVERRIDE
    data = (ctypes.c_uint32 * 6)(bit, bit, bit, 0, 0, 0)
    _checked(_libc.capset(header, data), "capset")
    _checked(_libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_OVERRIDE, 0, 0), "ambient capability")


def _become(order: Order) -> None:
    account = order["account"]
    if account is None:
        return
    if order["pass_any_folder"]:
        _checked(_libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0), "keep capabilities")
    os.setgroups([])
    os.setresgid(account[1], account[1], account[1])
    os.setresuid(account[0], account[0], account[0])
    if order["pass_any_folder"]:
        _keep_only_folder_access()


def _run_server(order: Order, guard_pid: int) -> NoReturn:
    """Turn this freshly forked process into the server."""
    try:
        log = os.open(order["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.closerange(3, 256)
        os.chdir(order["folder"])
        os.umask(0o077)
        _become(order)
        _checked(_libc.prctl(PR_SET_PDEATHSIG, order["orphan_signal"], 0, 0, 0), "parent death signal")
        if os.getppid() != guard_pid:
            os._exit(1)
        os.execve(order["argv"][0], order["argv"], order["environment"])
    except OSError as problem:
        os.write(2, f"cannot start {order['argv'][0]}: {problem}\n".encode())
        os._exit(127)


def _pidfd(pid: int) -> int | None:
    """A descriptor that becomes readable when `pid` ends; None on a kernel without pidfd_open."""
    try:
        return os.pidfd_open(pid)
    except OSError:
        return None


class Watch:
    """Waits for whatever comes first: parent gone, stop asked for, or server ended."""

    def __init__(self, order: Order, server_pid: int) -> None:
        self._parent_pid = order["parent_pid"]
        self._server_pid = server_pid
        self._stop_asked = False
        self.exit_code: int | None = None
        self._poll = select.poll()
        for descriptor in (0, _pidfd(self._parent_pid), _pidfd(server_pid)):
            if descriptor is not None:
                self._poll.register(descriptor, select.POLLIN | select.POLLHUP)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._ask_stop)

    def _ask_stop(self, *_: object) -> None:
        self._stop_asked = True

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid == self._server_pid:
                self.exit_code = os.waitstatus_to_exitcode(status)

    def until_over(self) -> None:
        """Return when the server ended or has to be stopped."""
        while self.exit_code is None and not self._stop_asked and os.getppid() == self._parent_pid:
            for descriptor, _ in self._poll.poll(250):
                self._stop_asked |= descriptor == 0
            self._reap()

    def server_ended_within(self, seconds: float) -> bool:
        """Wait for the server's end, at most `seconds`."""
        end = time.monotonic() + seconds
        while self.exit_code is None and time.monotonic() < end:
            time.sleep(0.02)
            self._reap()
        return self.exit_code is not None

    def end_orphans(self, seconds: float) -> None:
        """Give what the server left behind `seconds` to end, then kill it."""
        end = time.monotonic() + seconds
        while children := _children():
            if time.monotonic() > end:
                for pid in children:
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.02)
            self._reap()


def _parent_of(pid: str) -> int | None:
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stat:
            return int(stat.read().rpartition(")")[2].split()[1])
    except OSError:
        return None


def _children() -> list[int]:
    me = os.getpid()
    return [int(name) for name in os.listdir("/proc") if name.isdigit() and _parent_of(name) == me]


def _report(server_pid: int) -> None:
    os.write(1, f"{server_pid}\n".encode())
    os.close(1)


def main() -> int:
    """Run the ordered server until it ends or has to end; returns its exit code (128+n for signal n)."""
    order: Order = json.loads(sys.stdin.buffer.readline())
    _checked(_libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "child subreaper")
    guard_pid = os.getpid()
    server_pid = os.fork()
    if server_pid == 0:
        _run_server(order, guard_pid)
    watch = Watch(order, server_pid)
    _report(server_pid)
    watch.until_over()
    if watch.exit_code is None:
        os.kill(server_pid, order["stop_signal"])
        if not watch.server_ended_within(order["grace_seconds"]):
            os.kill(server_pid, signal.SIGKILL)
            watch.server_ended_within(10)
    watch.end_orphans(5)
    code = watch.exit_code
    return 1 if code is None else code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main())
