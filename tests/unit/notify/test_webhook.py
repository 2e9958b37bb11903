"""A signed, thin message, and when it is tried again."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from services.notify.store.deliveries import Delivery
from services.notify.webhook import BACKOFF_SECONDS, body_of, signed_headers, verdict
from tests.unit.notify.samples import NOW, SCHOOL, child, name_of

KEY = b"0123456789abcdef0123456789abcdef"
DELIVERY = Delivery("d" * 32, name_of(), child(1), SCHOOL, "alert.raised", NOW)


def test_the_body_says_that_there_is_something_and_not_what() -> None:
    body = body_of(DELIVERY)
    assert json.loads(body) == {
        "id": "d" * 32,
        "type": "alert.raised",
        "timestamp": "2025-06-11T00:02:00+00:00",
        "data": {"delivery_id": "d" * 32},
    }
    assert not any(secret.encode() in body for secret in (DELIVERY.alert_id, DELIVERY.linkage_id, SCHOOL))


def test_the_signature_is_that_of_standard_webhooks() -> None:
    body = body_of(DELIVERY)
    headers = signed_headers(KEY, DELIVERY, body, datetime.now(UTC))
    receiver = Webhook("whsec_" + base64.b64encode(KEY).decode())
    assert receiver.verify(body.decode(), headers) == json.loads(body)
    with pytest.raises(WebhookVerificationError):
        receiver.verify(body.decode().replace("raised", "lifted"), headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(base64.b64encode(KEY[::-1]).decode()).verify(body.decode(), headers)


@pytest.mark.parametrize(
    ("status", "attempts", "outcome"),
    [
        (200, 0, ("sent", 0.0)),
        (204, 9, ("sent", 0.0)),
        (410, 0, ("failed", 0.0)),
        (301, 0, ("waiting", 5.0)),
        (307, 1, ("waiting", 300.0)),
        (404, 0, ("waiting", 5.0)),
        (500, 2, ("waiting", 1800.0)),
        (None, 8, ("waiting", 86400.0)),
        (None, 9, ("failed", 0.0)),
        (500, 9, ("failed", 0.0)),
    ],
)
def test_what_follows_an_attempt(status: int | None, attempts: int, outcome: tuple[str, float]) -> None:
    assert verdict(status, attempts) == outcome


def test_attempts_are_spread_over_three_days_and_a_little() -> None:
    assert 72 <= sum(BACKOFF_SECONDS) / 3600 <= 80
    assert list(BACKOFF_SECONDS) == sorted(BACKOFF_SECONDS)
