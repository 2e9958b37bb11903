"""Settings of the features service: environment variables ``KIZASHI_…``."""

from contracts.codes import LongAbsenceRule
from services.features.cache import Limits
from services.kit.settings import KitSettings


class Settings(KitSettings):
    """What features needs to know beside the kit."""

    #: Which definition of 長期欠席 holds. A change is told to every lane at the next start; the gateway reads it too.
    long_absence_rule: LongAbsenceRule = LongAbsenceRule.toda_2021
    #: Schools' days of which one lane keeps its own counts in memory, 3 kB each.
    cached_days: int = 600
    #: Schools' years whose class tallies one lane keeps in memory, up to 30 kB each.
    cached_schools: int = 64
    #: Schools' days of which one lane of the tally keeps all lanes' shares in memory, 20 kB each.
    cached_shares: int = 200

    @property
    def limits(self) -> Limits:
        """How much a lane's cache keeps."""
        return Limits(self.cached_children, self.cached_days, self.cached_schools)
