"""Settings of the features service: environment variables ``KIZASHI_…``."""

from contracts.codes import LongAbsenceRule
from services.features.cache import Limits
from services.kit.settings import KitSettings


class Settings(KitSettings):
    """What features needs to know beside the kit."""

    #: Which definition of 長期欠席 holds. A change is told to every lane at the next start; the gateway reads it too.
    long_absence_rule: LongAbsenceRule = LongAbsenceRule.toda_2021
    #: Children's school years that one lane keeps in memory, about 4.5 kB each.
    cached_children: int = 8000
    #: Schools' days of which one lane keeps its own counts in memory.
    cached_days: int = 4000

    @property
    def limits(self) -> Limits:
        """How much a lane's cache keeps."""
        return Limits(self.cached_children, self.cached_days)
