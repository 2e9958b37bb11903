"""Why a partition stops: the words that /ready and the log say, and the codes that operators are told."""

from contracts.codes import StopReason
from services.kit.decoding import MAX_CONSECUTIVE_DEAD

TOO_MANY_BAD = f"more than {MAX_CONSECUTIVE_DEAD} bad records in a row"
TOPIC_RECREATED = "topic was recreated"
PARTITION_COUNT = "partition count differs from the catalogue"
BEFORE_LOG = "position is below the start of the log: records are gone"
BEYOND_LOG = "position is beyond the end of the log: topic recreated or truncated"

_CODES = {
    TOO_MANY_BAD: StopReason.too_many_bad,
    TOPIC_RECREATED: StopReason.topic_recreated,
    PARTITION_COUNT: StopReason.partition_count,
    BEFORE_LOG: StopReason.before_log,
    BEYOND_LOG: StopReason.beyond_log,
}


def code_of(why: str) -> StopReason:
    """The code of a reason."""
    return _CODES.get(why, StopReason.other)
