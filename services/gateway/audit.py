"""The operation log (操作履歴): one row in the same transaction as what it tells of. No row, nothing shown."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from contracts.codes import Item
from services.gateway.access import Action


@dataclass(slots=True)
class Entry:
    """What is told of one request. Grows while the request is answered; children are added as they are shown."""

    viewer: str
    staff_id: str
    session: str
    route: str
    action: str
    purpose: str = "support"
    subject: str = ""
    outcome: str = "shown"
    items: set[str] = field(default_factory=set)
    rules: set[str] = field(default_factory=set)
    linkage_ids: set[str] = field(default_factory=set)

    def show(self, linkage_ids: Iterable[str], items: Iterable[Item] = ()) -> None:
        """These children are shown, with these items."""
        self.linkage_ids.update(linkage_ids)
        self.items.update(items)

    def decide(self, rule: str) -> None:
        """This rule allowed it or refused it."""
        self.rules.add(rule)


def nobody(route: str, action: Action, outcome: str, address_hash: str = "") -> Entry:
    """An entry about somebody who is not signed in; the address only as a hash."""
    return Entry("", "", "", route, action, purpose="sign-in", subject=address_hash, outcome=outcome)
