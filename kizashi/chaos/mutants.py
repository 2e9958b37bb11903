"""Every broken variant by name. Each breaks one rule; the row that names it must fail with it, or proves nothing."""

from dataclasses import dataclass
from typing import Any

from kizashi.chaos.kernel_mutants import (
    AllErrorsAreData,
    Blind,
    BlindKernel,
    CountedVersions,
    CountsArrivals,
    EarlyCache,
    EarlyForgetting,
    Hasty,
    HostClock,
    LastArrivalWins,
    NoContiguity,
    NoEpoch,
    NoFence,
    NoRowLock,
    OffsetsInKafka,
    OpenDoor,
    PoisonDropped,
    PoisonWithoutEnd,
    PublishingIgnored,
    Talkative,
    TalkativeSubscription,
    TwoTransactions,
    UnlockedWaiting,
    talkative_parser,
)
from kizashi.chaos.replay_mutants import ReplayInTwo
from kizashi.chaos.service_mutants import EndlessRedis, FollowsRedirects, SettledFirst, fresh_id
from kizashi.chaos.toy.fold import Fold
from kizashi.chaos.toy.windows import Windows
from services.kit import app, shell
from services.kit.kernel import Kernel
from services.kit.log_watch import LogWatch
from services.kit.membership import InstanceLock
from services.kit.publishing import Publishing
from services.notify import sender


@dataclass(frozen=True)
class Mutant:
    """What a worker is built of."""

    text: str = "the kernel as it is"
    kernel: type[Kernel] = Kernel
    publishing: type[Publishing] = Publishing
    windows: type[Windows] = Windows
    fold: type[Fold] = Fold
    watch: type[LogWatch] = LogWatch
    lock: type[InstanceLock] = InstanceLock
    #: 0: the database never ends an idle transaction.
    idle_limit: int = 1
    #: Further (object, attribute, value); a module that only whole systems need goes by its name.
    changes: tuple[tuple[Any, str, Any], ...] = ()


MUTANTS: dict[str, Mutant] = {
    "": Mutant(),
    "no-contiguity": Mutant("no contiguity guard", kernel=NoContiguity),
    "no-epoch": Mutant("no epoch", kernel=NoEpoch),
    "no-fence": Mutant("neither epoch nor position compared", kernel=NoFence),
    "no-row-lock": Mutant("position rows are not locked", kernel=NoRowLock),
    "two-transactions": Mutant("state and position in two transactions", kernel=TwoTransactions),
    "publishing-ignored": Mutant("publishing fails on takeover and is ignored", kernel=PublishingIgnored),
    "early-forgetting": Mutant("outbox row deleted before its acknowledgement", publishing=EarlyForgetting),
    "hasty": Mutant("acks=1", changes=((app, "Batcher", Hasty),)),
    "early-cache": Mutant("cache changed before COMMIT", kernel=EarlyCache),
    "poison-dropped": Mutant("bad records skipped", kernel=PoisonDropped),
    "poison-without-end": Mutant("no limit to bad records in a row", kernel=PoisonWithoutEnd),
    "all-errors-are-data": Mutant("a failing database makes dead letters", kernel=AllErrorsAreData),
    "counted-versions": Mutant("versions counted instead of derived", windows=CountedVersions),
    "host-clock": Mutant("versions from the host's clock", windows=HostClock),
    "unlocked-waiting": Mutant("the waiting room without its lock", windows=UnlockedWaiting),
    "last-arrival-wins": Mutant("state by order of arrival", windows=LastArrivalWins),
    "counts-arrivals": Mutant("no natural key", windows=CountsArrivals),
    "blind": Mutant("log and position never compared", kernel=BlindKernel, watch=Blind),
    "offsets-in-kafka": Mutant("the position is Kafka's offset", kernel=OffsetsInKafka),
    "answers-who-asks": Mutant(
        "replies where a header says",
        changes=(
            (shell, "Broker", Talkative),
            (shell, "Subscription", TalkativeSubscription),
            (shell, "raw_parser", talkative_parser),
        ),
    ),
    "no-grace": Mutant(
        "a handler is cancelled at once", changes=((shell, "GRACEFUL_TIMEOUT_SECONDS", None),)
    ),
    "patient-database": Mutant("idle transactions are never ended", idle_limit=0),
    "open-door": Mutant("two members with one instance id", lock=OpenDoor),
    "replay-in-two": Mutant(
        "a letter is closed after it was applied", changes=((shell, "Replays", ReplayInTwo),)
    ),
    "fresh-webhook-ids": Mutant(
        "every attempt has an id of its own", changes=((sender, "signed_headers", fresh_id),)
    ),
    "settled-first": Mutant(
        "a delivery is noted before it is sent", changes=((sender, "Sender", SettledFirst),)
    ),
    "endless-redis": Mutant(
        "no limit to waiting for Redis", changes=(("services.gateway.app", "Redis", EndlessRedis),)
    ),
    "follows-redirects": Mutant("redirects are followed", changes=((sender, "Sender", FollowsRedirects),)),
}
