"""Every row of the fault matrix by name."""

from kizashi.chaos.plan import Row, Undisturbed
from kizashi.chaos.rows import broker, cluster, database, frozen, input, kills, members, nemeses, outgoing

ROWS: dict[str, type[Row]] = {
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
        outgoing.Refused,
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
