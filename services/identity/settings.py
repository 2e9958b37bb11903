"""Settings of identity."""

from services.kit.settings import KitSettings


class Settings(KitSettings):
    """Beyond what every service needs: how the waiting room is kept."""

    waiting_days: int = 30
    waiting_count_seconds: float = 5.0
    sweep_seconds: float = 60.0
    expire_seconds: float = 3600.0
