"""Keys by which another system fetches what it was told of: for which receiver, which schools, which items. Pure."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from secrets import token_bytes

from contracts.codes import Item
from services.gateway.access import RECEIVABLE, Viewer
from services.kit.api_keys import KeyRefused, draw_token

_RECEIVER = re.compile(r"^[a-z][a-z0-9.\-]{1,63}$")


@dataclass(frozen=True, slots=True)
class ReceiverKey:
    """A key as kept. ``schools`` None: all that the receiver is told of."""

    public_id: str
    receiver: str
    secret_sha256: bytes
    schools: frozenset[str] | None
    items: frozenset[Item]
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None

    def viewer(self) -> Viewer:
        """Who looks by this key; in the operation log by the key's public id."""
        return Viewer(f"key:{self.public_id}", "", self.receiver, "", (), receives=self.items)

    def reaches(self, receiver: str, school: str) -> bool:
        """Whether a message to ``receiver`` about a child of ``school`` is this key's business."""
        return receiver == self.receiver and (self.schools is None or school in self.schools)


def mint(
    receiver: str,
    *,
    schools: frozenset[str] | None,
    items: frozenset[Item],
    now: datetime,
    expires_at: datetime,
    draw: Callable[[int], bytes] = token_bytes,
) -> tuple[ReceiverKey, str]:
    """A new key and its token; the token is shown once and never stored.

    Args:
        receiver: as notify's ``KIZASHI_WEBHOOK_RECEIVER`` names the system.
        items: of what it may read reasons; attendance is always among them.

    Raises:
        KeyRefused: the receiver's name, the items or the expiry make no sense.
    """
    if not _RECEIVER.match(receiver):
        raise KeyRefused("a receiver's name is 2–64 small letters, digits, hyphens and dots")
    if Item.attendance not in items or not items <= RECEIVABLE:
        raise KeyRefused("items are attendance and, beside it, survey and infirmary_count")
    if expires_at <= now:
        raise KeyRefused("the expiry lies in the past")
    public_id, secret_sha256, token = draw_token(draw)
    return ReceiverKey(public_id, receiver, secret_sha256, schools, items, now, expires_at), token
