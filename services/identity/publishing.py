"""Facts about children as outgoing events: key and subject are the linkage ID, the id is keyed."""

from contracts.envelope import Event
from contracts.facts import PupilErased
from contracts.registry import BY_BODY, Body
from services.identity.facts import PUPIL_FACTS, PUPIL_PROFILE, Bodies
from services.identity.ledger import Kind
from services.identity.minting import Minter
from services.identity.views import Floor, Key, Publication, Stand
from services.kit.lanes import Outgoing

_NAMES: dict[type[Body], str] = {body: each.name for body, each in BY_BODY.items()}


def natural(event: Event, linkage_id: str, bodies: Bodies, sequence: int, minter: Minter) -> list[Outgoing]:
    """The facts of a record, with the record's own version."""
    return [
        Outgoing(
            PUPIL_FACTS,
            body,
            minter.event(event.meta.id, _NAMES[type(body)], linkage_id),
            linkage_id,
            linkage_id,
            event,
            None,
            sequence,
        )
        for body in bodies
    ]


def published(each: Publication, cause: Event | None, minter: Minter) -> list[Outgoing]:
    """A difference of views. The id is that of the record's own fact, unless the version was forced."""
    linkage_id, kind, _ = each.key
    topic = PUPIL_PROFILE if kind == Kind.profile else PUPIL_FACTS
    stand = each.stand
    return [
        Outgoing(topic, body, name, linkage_id, linkage_id, cause, stand.recorded_at, stand.sequence)
        for body, name in zip(stand.bodies, _ids(each, minter), strict=True)
    ]


def _ids(each: Publication, minter: Minter) -> list[str]:
    stand, about = each.stand, each.key[0]
    if not each.forced and len(stand.bodies) == 1:
        return [stand.id]
    if each.forced:
        about += f"/{stand.recorded_at.timestamp():.6f}/{stand.sequence}"
    return [minter.event(stand.input_id, _NAMES[type(body)], about) for body in stand.bodies]


def standing(key: Key, stand: Stand, floor: Floor | None) -> Publication:
    """A fact again with the version and id under which it was last published."""
    if floor is None or not floor.reaches(stand.recorded_at, stand.sequence):
        return Publication(key, stand, False)
    return Publication(key, stand._replace(recorded_at=floor.recorded_at, sequence=floor.sequence), True)


def erased(input_id: str, linkage_id: str, minter: Minter, cause: Event | None = None) -> list[Outgoing]:
    """To every reader of facts and of names: delete this child."""
    return [
        Outgoing(
            topic,
            PupilErased(linkage_id),
            minter.event(input_id, topic, linkage_id),
            linkage_id,
            linkage_id,
            cause,
        )
        for topic in (PUPIL_FACTS, PUPIL_PROFILE)
    ]
