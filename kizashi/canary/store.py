"""The far end: what the gateway's read model shows of the canary's alert. The role may read these columns of it."""

from datetime import date

import asyncpg

from contracts.codes import AttendanceCode
from kizashi.canary.child import shown_by
from kizashi.canary.settings import Settings
from services.kit.database import open_pool

#: Its database role: reads the canary's own alert, through row-level security, and nothing else.
ROLE = "gateway_canary"

_SHOWN = """
SELECT r.reasons FROM alert a JOIN alert_reason r USING (alert_id)
WHERE a.as_of = $1 AND a.standing AND r.audience = 'attendance'
"""


async def open_far_end(settings: Settings) -> asyncpg.Pool:
    """A connection to the gateway's read model."""
    return await open_pool(settings, "gateway", ROLE, size=1)


async def shown(pool: asyncpg.Pool, day: date) -> AttendanceCode | None:
    """What the canary's last day was, as its standing alert tells it; None without an alert."""
    reasons = await pool.fetchval(_SHOWN, day)
    return None if reasons is None else shown_by(reasons)
