"""`pupil-profile` into the read model: the names that a screen shows and that search finds."""

from collections.abc import Sequence

from contracts.facts import ProfileName, PupilErased, PupilProfiled, StaffProfiled
from contracts.versions import mark_version
from services.gateway.feed.facts import Erased, known_erased, remember
from services.gateway.feed.fold import Newest, Row
from services.gateway.searching import searchable
from services.gateway.store import feed, places
from services.kit.lanes import Effects, Lane, Transaction

#: Between several names in one column; a control character, so no name holds it.
_UNIT = "\x1f"


def shown(names: Sequence[ProfileName]) -> Row:
    """Display name, kana, other names, search text. The school-used name (通称) goes first when there is one."""
    ordered = sorted(names, key=lambda each: not each.school_name)
    texts = [f"{each.family} {each.given}".strip() for each in ordered]
    kanas = [f"{each.family_kana or ''} {each.given_kana or ''}".strip() for each in ordered]
    others = _UNIT.join(dict.fromkeys(text for text in texts[1:] if text != texts[0]))
    search = _UNIT.join(searchable(text) for text in dict.fromkeys([*texts, *kanas]) if text)
    return texts[0], kanas[0], others, search


class Profiles:
    """Subscriber ``gateway.profiles``."""

    consumer = "gateway.profiles"
    topics = ("pupil-profile",)
    wants = frozenset({"pupil-profiled", "staff-profiled", "pupil-erased"})

    def new_cache(self, partition: int) -> Erased:
        """Nothing known of erased children yet."""
        return Erased()

    async def handle(self, lanes: Sequence[Lane[Erased]], tx: Transaction) -> Effects:
        """Fold and save names; an erased child's name goes and does not come back."""
        effects = Effects()
        gone = await known_erased(lanes, tx, effects)
        new = {e.body.linkage_id for lane in lanes for e in lane.events if isinstance(e.body, PupilErased)}
        pupils, staff = Newest(), Newest()
        for lane in lanes:
            for event in lane.events:
                body, version = event.body, mark_version(event.meta)
                if isinstance(body, StaffProfiled):
                    row = (body.name.family, body.name.given)
                    staff.put((body.staff_id,), version, row, lane.partition)
                elif isinstance(body, PupilProfiled) and body.linkage_id in gone | new:
                    effects.erased[lane.partition] += 1
                elif isinstance(body, PupilProfiled) and body.names:
                    pupils.put((body.linkage_id,), version, shown(body.names), lane.partition)
        effects.stale.update(await places.save_staff(tx, staff))
        effects.stale.update(await places.save_names(tx, pupils))
        if new:
            await feed.erase(tx, sorted(new))
            effects.after_commit.append(lambda: remember(lanes, new))
        return effects
