"""What of identity's tables is convergent: who is whom, who sat where, and the newest saying about each child's day."""

from collections.abc import Sequence
from typing import Any

from services.kit.lanes import Transaction

_LINKS = """
SELECT 'link', encode(pupil_key, 'hex'), source, minted_id, linkage_id, event_id FROM source_pupil
"""
_ENROLMENTS = """
SELECT 'enrolment', enrolment_id, encode(pupil_key, 'hex'), class_id, number, valid_from, valid_to, event_id
FROM enrolment
"""
#: Older sayings are kept or not, as they came; a saying without a child waits.
_FACTS = """
SELECT DISTINCT ON (linkage_id, kind, natural_key, CASE WHEN linkage_id IS NULL THEN event_id END)
    'fact', linkage_id, kind, natural_key, day, encode(body, 'hex'), recorded_at, sequence, event_id
FROM claim
ORDER BY linkage_id, kind, natural_key, CASE WHEN linkage_id IS NULL THEN event_id END,
    recorded_at DESC, sequence DESC, event_id DESC
"""


async def dump_links(tx: Transaction) -> list[str]:
    """One line per source's pupil and enrolment; sorted."""
    return await _lines(tx, (_LINKS, _ENROLMENTS))


async def dump_convergent(tx: Transaction) -> list[str]:
    """The links, and one line per standing fact; sorted. The same for every order of input."""
    return await _lines(tx, (_LINKS, _ENROLMENTS, _FACTS))


async def _lines(tx: Transaction, queries: Sequence[str]) -> list[str]:
    found: list[Sequence[Any]] = []
    for sql in queries:
        found += [tuple(row) for row in await tx.fetch(sql)]
    return sorted(map(repr, found))
