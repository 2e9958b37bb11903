"""Models, the learner's state, and labels that wait for the rest of their lanes."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

import msgspec

from contracts.codes import Basis
from contracts.features import ModelPublished
from services.kit.lanes import Transaction

_encoder = msgspec.msgpack.Encoder()


async def models(tx: Transaction, last_days: int) -> list[ModelPublished]:
    """Models of the last days before the newest one, oldest first."""
    rows = await tx.fetch(
        "SELECT body FROM model WHERE closed_on > (SELECT max(closed_on) FROM model) - $1::int"
        " ORDER BY closed_on, basis",
        last_days,
    )
    return [_models.decode(row["body"]) for row in rows]


async def save_models(tx: Transaction, published: Iterable[ModelPublished]) -> None:
    """Keep models; one close has one model per basis."""
    rows = {(body.basis, body.closed_on): _encoder.encode(body) for body in published}
    await tx.execute(
        "INSERT INTO model (basis, closed_on, body) SELECT * FROM unnest($1::text[], $2::date[], $3::bytea[])"
        " ON CONFLICT (basis, closed_on) DO UPDATE SET body = excluded.body",
        [basis for basis, _ in rows],
        [closed_on for _, closed_on in rows],
        list(rows.values()),
    )


_models = msgspec.msgpack.Decoder(ModelPublished)


async def learner_states(tx: Transaction) -> dict[Basis, bytes]:
    """The packed state of each learner."""
    return {Basis(row["basis"]): row["state"] for row in await tx.fetch("SELECT basis, state FROM learner")}


async def save_learners(tx: Transaction, states: Mapping[Basis, bytes]) -> None:
    """Keep the learners' states."""
    await tx.executemany(
        "INSERT INTO learner (basis, state) VALUES ($1, $2) ON CONFLICT (basis) DO UPDATE SET state = excluded.state",
        [(basis.value, state) for basis, state in sorted(states.items())],
    )


class Waiting(msgspec.Struct, frozen=True, array_like=True):
    """Matured rows of one lane, or of one part of them, until all lanes of the close are there."""

    basis: Basis
    closed_on: date
    lane: int
    part: int
    lanes: int
    parts: int
    version: int
    rows: bytes


async def waiting(tx: Transaction) -> list[Waiting]:
    """All labels that wait."""
    rows = await tx.fetch(
        "SELECT basis, closed_on, lane, part, lanes, parts, version, rows FROM waiting_label"
    )
    return [Waiting(Basis(r[0]), *list(r)[1:]) for r in rows]


async def save_waiting(tx: Transaction, kept: Sequence[Waiting], done: Sequence[tuple[Basis, date]]) -> None:
    """Keep labels that still wait; drop those of closes that were learned, and what a lane has told anew."""
    if kept:
        await tx.executemany(
            "INSERT INTO waiting_label (basis, closed_on, lane, part, lanes, parts, version, rows)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
            " ON CONFLICT (basis, closed_on, lane, part) DO UPDATE SET lanes = excluded.lanes,"
            " parts = excluded.parts, version = excluded.version, rows = excluded.rows",
            [(w.basis.value, w.closed_on, w.lane, w.part, w.lanes, w.parts, w.version, w.rows) for w in kept],
        )
        await tx.executemany(
            "DELETE FROM waiting_label WHERE basis = $1 AND closed_on = $2 AND lane = $3 AND version < $4",
            [(w.basis.value, w.closed_on, w.lane, w.version) for w in kept],
        )
    if done:
        await tx.executemany(
            "DELETE FROM waiting_label WHERE basis = $1 AND closed_on = $2",
            [(basis.value, closed_on) for basis, closed_on in done],
        )
