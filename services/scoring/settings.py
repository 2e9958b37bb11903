"""Settings of scoring."""

from services.kit.settings import KitSettings


class Settings(KitSettings):
    """``model_wait_seconds``: how long a poll waits for the model of the school day before, where a model leads.

    ``lateness_days``: matured labels older than this when they arrive are counted and not learned.
    """

    model_wait_seconds: float = 0.5
    lateness_days: int = 120
