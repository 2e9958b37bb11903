"""One school's poll: from assessments and what is on record to changes and alert events. Pure.

Which alerts stand is decided assessment by assessment, so it does not matter how the log is cut into
polls: what stood for a moment within one is withdrawn too, in case a reader saw it raised in another
cut. The month's free places are given once per poll, to whoever needs them most.
"""

from collections.abc import Iterable
from datetime import date, datetime

from msgspec.structs import replace

from contracts.risk import RiskAssessed
from services.notify import alerts, budget, routing, telling
from services.notify.alerts import Gone, Standing
from services.notify.rows import Changes, Row, Rules, School, Status
from services.notify.versions import raised_version, state_version, withdrawn_version


def step(school: School, arrivals: Iterable[RiskAssessed], rules: Rules, now: datetime) -> Changes:
    """Apply assessments of one school in the order in which they came."""
    poll = _Poll(school, rules, now)
    poll.renew(poll.take_up(arrivals))
    poll.close()
    poll.give_places()
    poll.tell()
    return poll.changes


class _Poll:
    """The steps of one poll, in this order: take up, renew, close, give places, tell.

    ``children``: what stands of each child with news. ``stand``: all of it by alert id.
    """

    def __init__(self, school: School, rules: Rules, now: datetime) -> None:
        self.school = school
        self.rules = rules
        self.now = now
        self.before = dict(school.rows)
        self.changes = Changes()
        self.children: dict[str, dict[str, Standing]] = {}
        self.stand: dict[str, Standing] = {}

    def take_up(self, arrivals: Iterable[RiskAssessed]) -> dict[str, Standing]:
        """Keep the newest of each child and basis; returns all that stood in between, as it last stood."""
        passed: dict[str, Standing] = {}
        for arrival in arrivals:
            known = self.school.children.setdefault(arrival.linkage_id, {})
            if arrival.basis in known and arrival.version <= known[arrival.basis].version:
                self.changes.stale += 1
                continue
            known[arrival.basis] = arrival
            self.changes.fresh[arrival.linkage_id, arrival.basis] = arrival
            self.children[arrival.linkage_id] = alerts.standing(known, self.rules.alerts_from)
            passed |= self.children[arrival.linkage_id]
        return passed

    def renew(self, passed: dict[str, Standing]) -> None:
        """Put everything that stood on record, and see what of it stands in the end."""
        for standing in passed.values():
            self.school.rows[standing.alert_id] = self._renewed(standing)
        for linkage_id in sorted(self.children):
            self.stand |= self.children[linkage_id]

    def close(self) -> None:
        """Withdraw what stands no longer."""
        for row in list(self.school.rows.values()):
            if (
                row.linkage_id in self.children
                and row.status is Status.open
                and row.alert_id not in self.stand
            ):
                self._withdraw(row)

    def give_places(self) -> None:
        """Free places of the month go to the held alerts of this poll, most urgent first."""
        by_month: dict[date, list[budget.Place]] = {}
        for name, standing in self.stand.items():
            if self.school.rows[name].held:
                told = standing.assessment
                place = budget.Place(-int(told.band), -told.place, told.linkage_id, name)
                by_month.setdefault(told.as_of.replace(day=1), []).append(place)
        for month in sorted(by_month):
            taken = self.school.taken.setdefault(month, set())
            for name in budget.admitted(by_month[month], self.school.budget, frozenset(taken)):
                row = self.school.rows[name]
                taken.add(row.linkage_id)
                self.school.rows[name] = replace(row, placed_in=month, told_on=row.as_of, raised_at=self.now)

    def tell(self) -> None:
        """Tell every alert whose version rose; where it did not, nothing is new to a reader."""
        for name in sorted(self.stand):
            row, old = self.school.rows[name], self.before.get(name)
            state = state_version(row.basis, self.school.children[row.linkage_id])
            row = replace(row, version=raised_version(state, not row.held, row.routed))
            if old is not None and row.version <= old.version:
                continue
            self._save(row)
            self.changes.told.append(telling.raised(row, self.stand[name].assessment))
            self._note(row, old)

    def _save(self, row: Row) -> None:
        self.school.rows[row.alert_id] = self.changes.rows[row.alert_id] = row

    def _renewed(self, standing: Standing) -> Row:
        """The alert as its assessment says: open, and for those who hold the posts on that day."""
        assessment = standing.assessment
        row = self.school.rows.get(standing.alert_id) or _blank(standing, self.now)
        if row.status is not Status.open:
            row = replace(row, told_on=assessment.as_of, raised_at=self.now, life=row.version)
        return replace(
            row,
            as_of=assessment.as_of,
            status=Status.open,
            recipients=routing.route(self.school.posts, assessment, self.rules.policy, assessment.as_of),
            digest=telling.digest_of(assessment),
        )

    def _withdraw(self, row: Row) -> None:
        known = self.school.children[row.linkage_id]
        why = alerts.gone(row.episode, row.as_of, known[row.basis])
        status = Status.ended if why is Gone.ended else Status.retracted
        version = withdrawn_version(state_version(row.basis, known))
        row = replace(row, status=status, version=version)
        self._save(row)
        self.changes.told.append(telling.withdrawn(row, why, known[row.basis], self.now))
        if why is Gone.corrected:
            self._hand_on_place(row)
        old = self.before.get(row.alert_id)
        if old is not None and old.status is Status.open:
            self.changes.counts[status.value] += 1
            if old.interrupts and status is Status.retracted:
                self.changes.withdrawn.append(row)

    def _hand_on_place(self, row: Row) -> None:
        """A correction that moves the beginning of an episode costs its child no second place."""
        for name, standing in self.stand.items():
            same = (standing.assessment.linkage_id, standing.assessment.basis) == (row.linkage_id, row.basis)
            if same and self.school.rows[name].held:
                self.school.rows[name] = replace(self.school.rows[name], placed_in=row.placed_in)

    def _note(self, row: Row, old: Row | None) -> None:
        """What is new about an alert that was told: it interrupts, it is held, nobody is there for it."""
        if row.interrupts and not (old is not None and old.interrupts):
            self.changes.interrupting.append(row)
            self.changes.counts["raised"] += 1
        elif row.held and (old is None or old.status is not Status.open):
            self.changes.counts["held"] += 1
        if old is None and not row.routed:
            self.changes.counts["for_nobody"] += 1


def _blank(standing: Standing, now: datetime) -> Row:
    assessment = standing.assessment
    return Row(
        alert_id=standing.alert_id,
        linkage_id=assessment.linkage_id,
        basis=assessment.basis,
        school=assessment.school,
        episode=standing.episode,
        as_of=assessment.as_of,
        status=Status.open,
        recipients=[],
        told_on=assessment.as_of,
        raised_at=now,
        digest="",
        version=0,
    )
