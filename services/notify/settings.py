"""Settings of notify."""

from datetime import date
from typing import Literal

from pydantic import Field

from services.kit.settings import KitSettings


class Settings(KitSettings):
    """``alerts_from``: nothing is raised for school days before it (history being loaded).

    ``webhook_private_hosts``: comma-separated hosts that may be private or plain http.
    ``webhook_receiver``: name of the system behind it; keys of that name fetch what a delivery is about.
    ``webhook_timeout_seconds``: for a whole attempt, answer included.
    """

    alerts_from: date = date(2000, 1, 1)
    budget_per_100: float = 1.5
    budget_minimum: int = 3
    policy: Literal["direct", "principal_first"] = "direct"
    unseen_days: int = 2
    webhook_url: str = ""
    webhook_private_hosts: str = ""
    webhook_receiver: str = Field(default="thermo", pattern=r"^[a-z][a-z0-9.\-]{1,63}$")
    webhook_timeout_seconds: float = 15.0
