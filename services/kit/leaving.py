"""Leaving a consumer group for good, as a member with an instance id.

aiokafka tells the group nothing when such a member stops, so that a restart finds its partitions again; if nobody
comes back they stand without an owner until the session times out. Version 3 of LeaveGroup takes the instance id
instead of the member's passing one; aiokafka speaks up to 1.
"""

import asyncio
import logging

from aiokafka import AIOKafkaConsumer
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.errors import KafkaError, for_code
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Array, Int16, Int32, Schema, String

from services.kit.errors import error_name

log = logging.getLogger(__name__)
_PATIENCE_SECONDS = 5.0
_TEXT = String("utf-8")


class _Answer(Response):  # type: ignore[misc]
    API_KEY = 13
    API_VERSION = 3
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("error_code", Int16),
        ("members", Array(("member_id", _TEXT), ("group_instance_id", _TEXT), ("error_code", Int16))),
    )


class _Question(RequestStruct):  # type: ignore[misc]
    API_KEY = 13
    API_VERSION = 3
    RESPONSE_TYPE = _Answer
    SCHEMA = Schema(("group", _TEXT), ("members", Array(("member_id", _TEXT), ("group_instance_id", _TEXT))))


class _Leave(Request[_Question]):  # type: ignore[misc]
    API_KEY = 13

    def __init__(self, group: str, instance: str) -> None:
        self._group = group
        self._instance = instance

    def build(self, request_struct_class: type[_Question]) -> _Question:
        """Without a member id: the group knows the instance."""
        return request_struct_class(self._group, [("", self._instance)])


async def leave_for_good(consumer: AIOKafkaConsumer, instance: str) -> None:
    """Stop the membership and give its partitions to the others. Whatever fails, the session times out.

    The caller holds the lock of ``instance``: a successor of the same name would be thrown out.
    """
    coordinator = consumer._coordinator
    if not isinstance(coordinator, GroupCoordinator):
        return
    await coordinator.close()
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            answer = await coordinator._send_req(_Leave(coordinator.group_id, instance))
    except (KafkaError, OSError, TimeoutError) as error:
        log.warning("group not left", extra={"consumer": coordinator.group_id, "error": error_name(error)})
        return
    codes = [answer.error_code, *(code for _, _, code in answer.members)]
    if any(codes):
        names = sorted({for_code(code).__name__ for code in codes if code})
        log.warning("group not left", extra={"consumer": coordinator.group_id, "error": ", ".join(names)})
