"""What the gateway can be told from outside."""

from typing import Literal

from contracts.codes import LongAbsenceRule
from services.kit.settings import KitSettings


class Settings(KitSettings):
    """Addresses and limits of the gateway. Times are seconds.

    ``policy``: who hears first; the same setting as notify's.
    ``long_absence_rule`` is the setting of the same name that features reads; both must say the same.
    """

    long_absence_rule: LongAbsenceRule = LongAbsenceRule.toda_2021
    session_idle_seconds: int = 30 * 60
    session_absolute_seconds: int = 10 * 3600
    sign_in_window_seconds: int = 15 * 60
    sign_in_attempts_per_account: int = 6
    sign_in_attempts_per_address: int = 60
    seal_seconds: float = 1.0
    sweep_seconds: float = 60.0
    stream_check_seconds: float = 20.0
    policy: Literal["direct", "principal_first"] = "direct"
