"""Names, numbers and words of a child lie where the design puts them and nowhere else; markup in a name is text."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Page, async_playwright, expect

from contracts.codes import StaffRole
from kizashi.demo.accounts import signed_in
from kizashi.embedded.assets import copy_served_files
from kizashi.embedded.browser import chromium
from services.gateway.demo import DemoLogin
from services.ingest.validate import RECORD_TYPES
from tests.e2e.support import planting
from tests.e2e.support.canaries import GRADE, LABEL, WORDS
from tests.e2e.support.collector import Collector
from tests.e2e.support.everywhere import Search
from tests.e2e.support.seventy import SCHOOL, YEAR
from tests.e2e.support.town import Town

pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.timeout(400)]

#: Place → groups of words that belong there. Everything else is a leak; an entry without a hit is too much.
ALLOWED: dict[str, set[str]] = {
    # identity is where names end: who is who, and what its sources said of staff
    "postgres identity.source_pupil.names": {"name"},
    "postgres identity.registry_fact.body": {"staff name", "staff number"},
    # the gateway shows names, finds them, and keeps what teachers write
    "postgres gateway.pupil_name.name": {"name"},
    "postgres gateway.pupil_name.kana": {"name"},
    "postgres gateway.pupil_name.other_names": {"name"},
    "postgres gateway.pupil_name.search": {"name"},
    "postgres gateway.staff.family": {"staff name"},
    "postgres gateway.note.body": {"note"},
    # raw bytes of what could not be read stay with the service that could not read them, for 30 days
    "postgres ingest.dead_letter.value": {"undecodable"},
    "postgres ingest.dead_letter.headers": {"name", "caller's words", "undecodable"},
    "postgres identity.dead_letter.value": {"undecodable"},
    "postgres gateway.dead_letter.value": {"undecodable"},
    # identified records: 3 days; a source's own topic is as the source wrote it
    "kafka records value": {
        *("name", "number", "staff name", "staff number", "unknown child", "erased child", "undecodable")
    },
    "kafka inbound-direct value": {"name", "number", "undecodable"},
    "kafka inbound-direct key and headers": {"name", "caller's words", "undecodable"},
    # names on their way to the gateway alone
    "kafka pupil-profile value": {"name", "staff name", "erased child", "undecodable"},
}
#: Types that speak of no person.
IMPERSONAL = {"school-registered", "class-registered", "calendar-published"}


@pytest_asyncio.fixture(loop_scope="package", scope="module")
async def child(town: Town, accounts: list[DemoLogin]) -> AsyncIterator[str]:
    """The linkage ID of the child, after all words were carried in and a school day has passed."""
    taken = await planting.by_http(town)
    assert taken == RECORD_TYPES - IMPERSONAL
    await asyncio.to_thread(planting.by_kafka, town)
    await planting.by_typing(town)
    reader = await signed_in(town.system, accounts, StaffRole.vice_principal)
    found = await planting.by_teacher(town, reader)
    await planting.a_day_passes(town)
    yield found
    await reader.close()


async def exported(collector: Collector) -> None:
    """Wait until every service has exported traces of this moment or later."""
    services = ("ingest", "identity", "features", "scoring", "notify", "gateway")
    before = len(collector.bodies)
    async with asyncio.timeout(60):
        while not all(f"kizashi-{name}".encode() in collector.everything for name in services):
            await asyncio.sleep(0.2)
        while len(collector.bodies) <= before:
            await asyncio.sleep(0.2)


async def test_words_lie_where_they_belong_and_nowhere_else(
    town: Town, collector: Collector, child: str
) -> None:
    await exported(collector)
    search = Search(WORDS)
    await search.everywhere(town, collector)
    allowed = {(place, group) for place, groups in ALLOWED.items() for group in groups}
    assert search.hits - allowed == set()
    assert allowed - search.hits == set()  # otherwise the search is blind, or the list too long
    assert {"redis", "traces", "log gateway.0.log", "metrics identity.0"} <= search.places
    assert len(search.places) > 250
    assert await town.difference() == 0


async def test_of_two_visits_the_one_that_was_taken_back_is_not_shown(
    town: Town, accounts: list[DemoLogin], child: str
) -> None:
    await town.settle()
    reader = await signed_in(town.system, accounts, StaffRole.vice_principal)
    try:
        shown = await reader.get(f"/v1/children/{child}")
    finally:
        await reader.close()
    assert len(shown["infirmary_visits"]) == 1
    assert [month["internal"] for month in shown["infirmary"]] == [1]


@pytest_asyncio.fixture(loop_scope="package")
async def page() -> AsyncIterator[Page]:
    copy_served_files()
    async with async_playwright() as tool:
        browser = await tool.chromium.launch(**chromium().launch_options())
        opened = await browser.new_page(viewport={"width": 1366, "height": 768}, locale="ja-JP")
        await opened.add_init_script(
            "window.refused = []; document.addEventListener('securitypolicyviolation',"
            " event => window.refused.push(event.violatedDirective));"
        )
        opened.on("dialog", lambda dialog: pytest.fail(f"a dialog opened: {dialog.type}"))
        opened.on("pageerror", lambda error: pytest.fail(f"script error: {error}"))
        yield opened
        await browser.close()


async def test_a_name_that_is_markup_is_shown_as_text(
    town: Town, accounts: list[DemoLogin], child: str, page: Page
) -> None:
    login = next(each for each in accounts if each.role is StaffRole.vice_principal)
    at = town.system.gateway_url
    await page.goto(at)
    await page.locator("#name").fill(login.sign_in_name)
    await page.locator("#password").fill(login.password)
    await page.locator("#password").press("Enter")
    await expect(page.locator(".nav")).to_be_visible()
    paths = ("/", f"/children/{child}", f"/classes/{SCHOOL}/{YEAR}/{GRADE}/{LABEL}", "/search?query=鷽通称森")
    for path in paths:
        await page.goto(at + path)
        await expect(page.get_by_text('<img src=x onerror=alert("鷽麿")>').first).to_be_visible()
        assert await page.locator("img[src=x]").count() == 0, path
        assert await page.evaluate("window.refused") == [], path
    await page.goto(f"{at}/children/{child}")
    await expect(page.locator(".note").first).to_contain_text("<script>alert(1)</script>")
    await expect(page.locator("#chart-year canvas")).to_be_visible()
