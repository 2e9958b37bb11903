"""Settings of the ingest service: environment variables ``KIZASHI_…``."""

import re
from datetime import time
from typing import Literal, Self

from pydantic import Field, model_validator

from services.ingest.ticks import Times
from services.kit.settings import KitSettings

#: What a school code looks like in the contracts.
_SCHOOL = re.compile(r"^[A-Z0-9]{4,16}$")
#: The limit of a request as it travels; a body of this size is already too large.
MAX_BODY_BYTES = 2 * 1024 * 1024
#: How long a request may take to arrive; bodies in flight are few, and a sender that stalls would keep one.
MAX_BODY_SECONDS = 60.0


class Settings(KitSettings):
    """What the door needs to know."""

    #: "wall": the school clock follows the wall clock. "external": whoever holds the scope moves it.
    clock: Literal["wall", "external"] = "wall"
    settle_at: time = time(11, 0)
    #: Schools that settle at another time, as JSON: {"B101210000018": "10:30"}.
    settle_at_by_school: dict[str, time] = Field(default_factory=dict)
    close_at: time = time(18, 0)
    max_unpacked_bytes: int = 16 * 1024 * 1024
    max_items: int = 10_000
    max_requests_in_flight: int = 16

    @property
    def hosts(self) -> frozenset[str]:
        """Names under which this service may be called, without port."""
        return frozenset(name.strip().lower() for name in self.allowed_hosts.split(",") if name.strip())

    @property
    def times(self) -> Times:
        """When a school day settles and closes."""
        return Times(self.settle_at, self.close_at, self.settle_at_by_school)

    @model_validator(mode="after")
    def _own_times_make_sense(self) -> Self:
        if self.settle_at_by_school and self.clock != "wall":
            raise ValueError("settle_at_by_school needs the wall clock: an external one settles all schools")
        for school, at in self.settle_at_by_school.items():
            if not _SCHOOL.match(school):
                raise ValueError(f"settle_at_by_school: {school!r} is no school code")
            if at.second or at.microsecond or at.tzinfo or at > self.close_at:
                raise ValueError(f"settle_at_by_school: {school} settles at HH:MM, not after {self.close_at}")
        return self
