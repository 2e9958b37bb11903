"""Identity's metrics. No label says anything of a child, class or school."""

from prometheus_client import Counter, Gauge

RESOLVED = Counter("kizashi_identity_records_total", "Records about a child by how it was found", ["via"])
RELEASED = Counter("kizashi_identity_released_total", "Waiting records that found their child")
FORCED = Counter("kizashi_identity_forced_total", "Facts published above their record's own version")
REVIEWS = Counter("kizashi_identity_reviews_total", "Doubtful pairs queued for a person")
SWEPT = Counter("kizashi_identity_swept_total", "Parked records that had a link: should stay 0")
EXPIRED = Counter("kizashi_identity_expired_total", "Records that waited too long and were dropped")
WAITING = Gauge("kizashi_identity_waiting_records", "Records that wait for their child")
WAITING_REFERENCES = Gauge("kizashi_identity_waiting_references", "Distinct references that wait")
