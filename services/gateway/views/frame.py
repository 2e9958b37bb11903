"""What surrounds every page: languages, head, navigation, sign-in, and a child in one line."""

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from contracts.codes import StaffRole


class Language(StrEnum):
    """Languages of the screens."""

    ja = "ja"
    en = "en"


class AlertStatus(StrEnum):
    """Where an alert stands. ``new`` and ``seen`` wait for somebody; ``acknowledged`` is in hand.

    ``ended``: its days passed before anybody took it on; ``retracted``: the data no longer carry it.
    """

    new = "new"
    seen = "seen"
    acknowledged = "acknowledged"
    closed = "closed"
    ended = "ended"
    retracted = "retracted"


class AlertStep(StrEnum):
    """One line of an alert's history."""

    raised = "raised"
    changed = "changed"
    delivered = "delivered"
    escalated = "escalated"
    seen = "seen"
    acknowledged = "acknowledged"
    closed = "closed"
    passed_on = "passed_on"
    ended = "ended"
    retracted = "retracted"


@dataclass(frozen=True, slots=True)
class Post:
    """A post the viewer holds today; ``class_id`` for 担任, ``grade`` for 学年主任, ``school`` None = whole city."""

    role: StaffRole
    school: str | None = None
    school_name: str | None = None
    grade: int | None = None
    class_id: str | None = None
    class_label: str | None = None


@dataclass(frozen=True, slots=True)
class Frame:
    """What the head, the navigation and the forms of every signed-in page need.

    ``csrf`` goes into each form's hidden field ``csrf`` or the header ``X-CSRF-Token`` (htmx: hx-headers).
    ``classes`` are the classes the viewer may open, in order. ``is_school_day`` False: 授業日ではありません.
    """

    name: str
    language: Language
    csrf: str
    posts: tuple[Post, ...]
    classes: tuple["ClassLink", ...]
    sees_children: bool
    sees_operations: bool
    administers: bool
    demo: bool
    school_date: date
    is_school_day: bool
    open_alerts: int


@dataclass(frozen=True, slots=True)
class ClassLink:
    """A class to go to."""

    class_id: str
    school_name: str
    grade: int
    label: str
    special_needs: bool = False


@dataclass(frozen=True, slots=True)
class ChildLine:
    """Who it is, for lists. ``name`` is the school-used name when there is one. ``why``: the relation's rule."""

    linkage_id: str
    name: str
    kana: str
    school: str
    school_name: str
    class_id: str
    grade: int
    class_label: str
    number: int | None
    why: str = ""


class SignInTrouble(StrEnum):
    """Why a sign-in page is shown again; never says which of name and password was wrong."""

    wrong = "wrong"
    throttled = "throttled"
    unavailable = "unavailable"
    expired = "expired"


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """A one-click account of a demonstration; ``link`` is a path."""

    role: StaffRole
    name: str
    link: str


@dataclass(frozen=True, slots=True)
class SignInPage:
    """``next`` is a local path. ``csrf`` as in :class:`Frame` (bound to a pre-session cookie)."""

    csrf: str
    next: str
    trouble: SignInTrouble | None = None
    retry_after_seconds: int | None = None
    demo_accounts: tuple[DemoAccount, ...] = field(default=())
