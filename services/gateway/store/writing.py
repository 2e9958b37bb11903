"""SQL of what people write about children; row-level security checks every row by the viewer set before."""

import secrets

from services.kit.lanes import Transaction

_ANSWER = """
INSERT INTO alert_response (alert_id, step, staff_id, linkage_id, outcome) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING RETURNING true
"""


async def answer(
    tx: Transaction, alert_id: str, step: str, staff_id: str, linkage_id: str, outcome: str | None
) -> bool:
    """Keep an answer; False when the same person gave it before."""
    return bool(await tx.fetchval(_ANSWER, alert_id, step, staff_id, linkage_id, outcome))


async def note(tx: Transaction, linkage_id: str, item: str, body: str, staff_id: str) -> None:
    """Keep a note."""
    await tx.execute(
        "INSERT INTO note (note_id, linkage_id, item, body, staff_id) VALUES ($1, $2, $3, $4, $5)",
        secrets.token_hex(16),
        linkage_id,
        item,
        body,
        staff_id,
    )
