"""Homeroom teachers of the measured schools, as accounts of the bench's own demonstration database."""

import secrets

from contracts.codes import StaffRole
from kizashi.bench.screen import Screen
from kizashi.system import System
from services.gateway.passwords import Passwords
from services.gateway.store import demonstration, people
from services.kit.ids import derived_id

#: For the gateway: all these people sign in from one address within one window.
SETTINGS = {"KIZASHI_SIGN_IN_ATTEMPTS_PER_ADDRESS": "100000"}


async def homeroom_teachers(system: System) -> list[Screen]:
    """A signed-in screen for each class."""
    password = secrets.token_urlsafe(16)
    hashed = await Passwords().hash(password)  # one hash for all: hashing is slow on purpose
    owner = await system.as_role("gateway_owner", "gateway")
    screens = []
    try:
        role = StaffRole.homeroom
        for row in await owner.fetch("SELECT staff_id FROM assignment WHERE role = $1", role.value):
            account = derived_id("bench", row["staff_id"])
            await demonstration.keep_account(owner, account, account, row["staff_id"], "測定", role)
            await people.replace_password(owner, account, secrets.token_hex(16), hashed)
            screen = Screen(system.gateway_url)
            await screen.sign_in(account, password)
            screens.append(screen)
    finally:
        await owner.close()
    return screens
