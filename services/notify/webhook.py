"""A signed, thin message to a こころん・サーモ endpoint: that there is something to read, never what.

Standard Webhooks: id, timestamp, HMAC-SHA-256 signature. The receiver fetches the rest with its own
rights, and drops a message whose id it has seen.
"""

import base64
import json
from datetime import datetime

from standardwebhooks.webhooks import Webhook

from services.notify.store.deliveries import Delivery

#: Pauses between attempts: about 76 hours in all, as Standard Webhooks recommends.
BACKOFF_SECONDS = (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
_GONE = 410


def body_of(delivery: Delivery) -> bytes:
    """Event id, type, time and the opaque delivery id."""
    message = {
        "id": delivery.delivery_id,
        "type": delivery.event,
        "timestamp": delivery.created_at.isoformat(),
        "data": {"delivery_id": delivery.delivery_id},
    }
    return json.dumps(message, separators=(",", ":")).encode()


def signed_headers(key: bytes, delivery: Delivery, body: bytes, now: datetime) -> dict[str, str]:
    """The three headers of Standard Webhooks; the receiver is given the key in Base64 after ``whsec_``."""
    signature = Webhook(base64.b64encode(key).decode()).sign(delivery.delivery_id, now, body.decode())
    return {
        "content-type": "application/json",
        "webhook-id": delivery.delivery_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signature,
    }


def verdict(status: int | None, attempts: int) -> tuple[str, float]:
    """What to do after an attempt: (status of the delivery, seconds until the next try).

    Args:
        status: HTTP status; None if there was no answer in time. A redirect is no success and never followed.
        attempts: how many attempts were made before this one.
    """
    if status is not None and 200 <= status < 300:
        return "sent", 0.0
    if status == _GONE or attempts >= len(BACKOFF_SECONDS):
        return "failed", 0.0
    return "waiting", float(BACKOFF_SECONDS[attempts])
