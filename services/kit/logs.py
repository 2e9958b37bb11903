"""Logs as JSON lines with an allow-list of fields; exception texts never appear, they may quote a value."""

import json
import logging
import sys
from datetime import UTC, datetime

_FIELDS = (
    "consumer",
    "lane",
    "why",
    "error",
    "topic",
    "service",
    "status",
    "records",
    "part",
    "seconds",
    "channel",
)


class JsonFormatter(logging.Formatter):
    """One line per record: time, level, logger, message and allowed fields."""

    def format(self, record: logging.LogRecord) -> str:
        """The line; of an exception only its class."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage() if _ours(record.name) else record.msg,
        }
        line |= {name: getattr(record, name) for name in _FIELDS if hasattr(record, name)}
        if record.exc_info and record.exc_info[0] is not None:
            line["error"] = record.exc_info[0].__qualname__
        return json.dumps(line, ensure_ascii=False, default=str)


def _ours(name: str) -> bool:
    return name.startswith(("services", "kizashi", "uvicorn"))


def configure(level: str) -> None:
    """Send everything to standard error; libraries from WARNING on, and without their arguments."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for name in ("services", "kizashi"):
        logging.getLogger(name).setLevel(level)
    logging.getLogger("uvicorn.access").disabled = True
