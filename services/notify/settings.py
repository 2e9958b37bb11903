"""Settings of notify."""

from datetime import date

from services.kit.settings import KitSettings


class Settings(KitSettings):
    """``alerts_from``: nothing is raised for school days before it (history being loaded)."""

    alerts_from: date = date(2000, 1, 1)
    budget_per_100: float = 1.5
    budget_minimum: int = 3
    policy: str = "direct"
    unseen_days: int = 2
    webhook_url: str = ""
    webhook_private_hosts: str = ""
    webhook_timeout_seconds: float = 10.0
