"""Settings of the canary."""

from datetime import date
from pathlib import Path

from services.kit.settings import KitSettings


class Settings(KitSettings):
    """Where the door is, and how often to knock. The first of ``allowed_hosts`` is the door's public name.

    ``alerts_from`` is notify's: nothing is raised for school days before it.
    ``again_seconds``: a record that has not arrived by then is overdue, and another one is sent.
    """

    secrets_dir: Path = Path("/run/secrets/kizashi")
    ingest_url: str = "http://127.0.0.1:8081"
    alerts_from: date = date(2000, 1, 1)
    interval_seconds: float = 60.0
    again_seconds: float = 300.0
    request_timeout_seconds: float = 10.0
