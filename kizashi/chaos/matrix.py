"""Every row of the fault matrix by name: ``ROWS`` on given servers, ``WHOLE`` on systems of their own."""

from kizashi.chaos.lost_redis import LostRedis
from kizashi.chaos.plan import Fault, Undisturbed
from kizashi.chaos.rows import (
    broker,
    cluster,
    database,
    frozen,
    input,
    kills,
    members,
    nemeses,
    outgoing,
    webhook,
)
from kizashi.chaos.town import WholeRow
from kizashi.chaos.whole import EveryService

WHOLE: dict[str, type[WholeRow]] = {row.name: row for row in (EveryService, LostRedis)}

ROWS: dict[str, type[Fault]] = {
    row.name: row
    for row in (
        Undisturbed,
        kills.RandomKills,
        kills.CrashPoints,
        members.Scaled,
        frozen.Blocked,
        frozen.Zombie,
        frozen.FrozenHoldingLocks,
        input.Repeated,
        input.Shuffled,
        input.BothSidesAtOnce,
        database.Failing,
        database.Away,
        cluster.Bounced,
        nemeses.Rotation,
        input.Poison,
        input.HandledAgain,
        outgoing.Refused,
        webhook.Webhook,
        members.WrongClocks,
        broker.GroupGone,
        members.RollingRestart,
        database.Restored,
        input.Hostile,
        broker.Recreated,
        broker.BelowStart,
        broker.BeyondEnd,
        broker.MorePartitions,
        broker.SecondMember,
        broker.Missing,
    )
}
