"""Vice-principals of the measured schools, as accounts of the bench's own demonstration database."""

import secrets
from datetime import date

from contracts.codes import StaffRole
from kizashi.system import System
from kizashi.visitor import Visitor
from services.gateway.passwords import Passwords
from services.gateway.store import demonstration, people
from services.kit.ids import derived_id

_EVER = (date(2000, 4, 1), date(2100, 4, 1))


async def vice_principals(system: System) -> tuple[list[Visitor], frozenset[str]]:
    """A signed-in visitor for each school, and the schools."""
    owner = await system.as_role("gateway_owner", "gateway")
    visitors, schools = [], set()
    try:
        rows = await owner.fetch(
            "SELECT DISTINCT ON (school) school, staff_id FROM assignment WHERE role = $1 ORDER BY school",
            StaffRole.vice_principal.value,
        )
        for row in rows:
            name, password = f"bench-{row['school'].lower()}", secrets.token_urlsafe(16)
            account = derived_id("bench", row["school"])
            staff, role = row["staff_id"], StaffRole.vice_principal
            await demonstration.keep_account(owner, account, name, staff, "測定", role)
            await people.replace_password(
                owner, account, secrets.token_hex(16), await Passwords().hash(password)
            )
            grant = derived_id("bench-grant", row["school"])
            await people.add_grant(owner, grant, staff, role, row["school"], (), *_EVER, None)
            visitor = Visitor(system.gateway_url)
            await visitor.sign_in(name, password)
            visitors.append(visitor)
            schools.add(row["school"])
    finally:
        await owner.close()
    return visitors, frozenset(schools)
