"""How a route reaches data: it declares an item and an action and is handed a door for exactly that.

A page route reads::

    @router.get("/children/{linkage_id}", name="child")
    async def child(request: Request, linkage_id: str, door: Annotated[Door, declare(Item.attendance, Action.view)]):
        page = await door.child(linkage_id)

Each method is one transaction: viewer set, decision, audit row, read. ``declare`` has checked the session
and, on unsafe methods, the CSRF token and the request's origin. Errors are raised, never returned:
:class:`SignInNeeded` (→ the sign-in page), :class:`Refused` (→ 403, or 404 for an unknown child: the same
answer), :class:`BadForm` (→ 403). ``app.py`` turns them into responses through ``pages.problem``.
"""

from datetime import date
from typing import Protocol

from starlette.responses import Response

from contracts.codes import AlertOutcome, Item, Refusal, StaffRole
from services.gateway.views import (
    AdminPage,
    Board,
    ChildPage,
    ClassPage,
    Frame,
    Language,
    OperatorsPage,
    ReceivedAlert,
    SearchPage,
    SignInPage,
    SignInTrouble,
    WindowSeries,
)


class SignInNeeded(Exception):
    """There is no live session."""


class Refused(Exception):
    """The viewer may not, or there is nothing there; the two are told apart in the audit only."""


class BadForm(Exception):
    """The CSRF token or the origin of an unsafe request is wrong."""


class Closed(Exception):
    """Sessions cannot be read now (→ 503)."""


class BadInput(Exception):
    """A value of a form or query is out of bounds (→ 422); ``field`` is our own name of it."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


class Door(Protocol):
    """What a signed-in viewer can ask for. Every method may raise :class:`Refused`."""

    @property
    def language(self) -> Language:
        """Language of the screens of this session."""

    async def frame(self) -> Frame:
        """Head and navigation."""

    async def board(self) -> Board:
        """My alerts."""

    async def child(self, linkage_id: str) -> ChildPage:
        """One child; marks the viewer's own new alerts about the child as seen."""

    async def series(self, linkage_id: str, school_year: int | None = None) -> WindowSeries:
        """Data of the child's chart."""

    async def class_page(self, class_id: str) -> ClassPage:
        """A class in 出席番号 order."""

    async def search(self, query: str) -> SearchPage:
        """Children by name or kana within the viewer's relations."""

    async def operators(self) -> OperatorsPage:
        """The eight numbers."""

    async def replay(self, consumer: str, code: Refusal) -> None:
        """Have a consumer's dead letters of one code handled again. BadInput: there are none."""

    async def admin(self) -> AdminPage:
        """Grants and operation log."""

    async def acknowledge(self, alert_id: str) -> None:
        """One tap: 対応します."""

    async def close(self, alert_id: str, outcome: AlertOutcome) -> None:
        """What came of it."""

    async def seen(self, alert_id: str) -> None:
        """The card was opened."""

    async def pass_on(self, alert_id: str) -> None:
        """A head who was told first lets those who meet the child see it."""

    async def write_note(self, linkage_id: str, item: Item, text: str) -> None:
        """A free note of at most 2,000 characters. BadInput: empty or too long."""

    async def grant(
        self, staff_id: str, role: StaffRole, school: str | None, items: tuple[Item, ...], until: date
    ) -> None:
        """Grant a post or items to a member of staff from the school date until ``until`` (exclusive)."""

    async def revoke(self, grant_id: str) -> None:
        """Take a grant back at once."""

    async def invite(self, staff_id: str) -> str:
        """A one-time token with which a member of staff makes her account at ``/invitation/{token}``."""

    async def change_password(self, old: str, new: str) -> SignInTrouble | None:
        """None: changed, all other sessions of the account ended. BadInput: the new one is too weak."""

    async def set_language(self, language: Language) -> None:
        """Keep the language in the session."""

    async def sign_out(self, response: Response) -> None:
        """End the session, open streams included, and take the cookie away."""


class KeyDoor(Protocol):
    """What another system can ask for with its key (``keyed(…)`` in a route)."""

    async def delivery(self, delivery_id: str) -> ReceivedAlert:
        """What a message was about. Raises Refused."""


class Front(Protocol):
    """What somebody who is not signed in can ask for (``public()`` in a route)."""

    @property
    def language(self) -> Language:
        """From the cookie ``lang`` or the browser's Accept-Language."""

    async def page(self, response_next: str, trouble: SignInTrouble | None = None) -> SignInPage:
        """The sign-in page; ``response_next`` that is no local path becomes ``/``."""

    async def sign_in(self, name: str, password: str, response: Response) -> SignInTrouble | None:
        """None: signed in, the cookie is set on ``response``."""

    async def demo(self, token: str, response: Response) -> bool:
        """One-click sign-in of a demonstration; False: no such link (also outside demonstrations)."""

    async def invitation(
        self, token: str, name: str, password: str, response: Response
    ) -> SignInTrouble | None:
        """Make the account of a one-time token. BadInput: password too weak, or the name is taken."""

    def attach(self, response: Response) -> None:
        """Set the pre-session cookie that the form's ``csrf`` is bound to; call it on the sign-in page."""
