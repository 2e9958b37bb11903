"""Demo accounts of a running system, and visitors signed in with them."""

from datetime import date

from contracts.codes import StaffRole
from kizashi.system import System
from kizashi.visitor import Visitor
from services.gateway.demo import DemoLogin, create_demo_accounts


async def make_accounts(system: System, on: date, class_id: str | None = None) -> list[DemoLogin]:
    """Accounts for the posts held on ``on``; new passwords each time."""
    owner = await system.as_role("gateway_owner", "gateway")
    try:
        return await create_demo_accounts(owner, on, class_id)
    finally:
        await owner.close()


async def signed_in(system: System, accounts: list[DemoLogin], role: StaffRole) -> Visitor:
    """A visitor signed in as the demo account of ``role``.

    Raises:
        StopIteration: nobody holds the post.
    """
    login = next(account for account in accounts if account.role is role)
    visitor = Visitor(system.gateway_url)
    await visitor.sign_in(login.sign_in_name, login.password)
    return visitor
