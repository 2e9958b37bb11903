"""Every route says which item it touches and what it does; a route without a declaration fails a test."""

from dataclasses import dataclass
from typing import Any

from fastapi import Depends, Request

from contracts.codes import Item
from services.gateway.access import Action
from services.gateway.doors import Door, Front, KeyDoor


@dataclass(frozen=True, slots=True)
class Declared:
    """The dependency behind :func:`declare`: checks session and form, then opens a door for one item and action."""

    item: Item
    action: Action

    async def __call__(self, request: Request) -> Door:
        """The door. Raises SignInNeeded or BadForm."""
        door: Door = await request.app.state.gate.open(request, self.item, self.action)
        return door


@dataclass(frozen=True, slots=True)
class DeclaredForKeys(Declared):
    """The dependency behind :func:`keyed`: a session opens nothing here, only another system's key."""

    async def __call__(self, request: Request) -> KeyDoor:  # type: ignore[override]
        """The door. Raises SignInNeeded."""
        door: KeyDoor = await request.app.state.gate.open_keyed(request, self.item, self.action)
        return door


@dataclass(frozen=True, slots=True)
class Public:
    """The dependency behind :func:`public`: for routes before sign-in; unsafe methods need the form's token."""

    async def __call__(self, request: Request) -> Front:
        """The front of the house. Raises BadForm."""
        front: Front = await request.app.state.gate.front(request)
        return front


def declare(item: Item, action: Action) -> Any:
    """For ``Annotated[Door, declare(Item.attendance, Action.view)]``."""
    return Depends(Declared(item, action))


def keyed(item: Item, action: Action) -> Any:
    """For ``Annotated[KeyDoor, keyed(Item.attendance, Action.receive)]``."""
    return Depends(DeclaredForKeys(item, action))


def public() -> Any:
    """For ``Annotated[Front, public()]``."""
    return Depends(Public())
