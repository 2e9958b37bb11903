"""A teacher's morning in a real browser before the real gateway: sign in, look, answer, be woken, sign out."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright, expect

from kizashi.embedded.assets import copy_served_files
from kizashi.embedded.browser import chromium
from services.gateway.feed.alerts import Alerts
from tests.e2e.support.house import standing_house
from tests.e2e.support.preview import violations
from tests.integration.gateway import city
from tests.integration.gateway.house import PASSWORD, House

pytestmark = pytest.mark.asyncio(loop_scope="module")

LISTEN = """
window.policyViolations = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.policyViolations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}`));
"""


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def standing(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[House, str]]:
    async with standing_house(tmp_path_factory.mktemp("house")) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def browser() -> AsyncIterator[Browser]:
    copy_served_files()
    async with async_playwright() as tool:
        started = await tool.chromium.launch(**chromium().launch_options())
        yield started
        await started.close()


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser) -> AsyncIterator[Page]:
    context = await browser.new_context(viewport={"width": 1366, "height": 768}, locale="ja-JP")
    opened = await context.new_page()
    await opened.add_init_script(LISTEN)
    opened.on("dialog", lambda dialog: pytest.fail(f"a dialog opened: {dialog.type}"))
    opened.on("pageerror", lambda error: pytest.fail(f"script error: {error}"))
    yield opened
    await context.close()


async def sign_in(page: Page, at: str, name: str) -> None:
    """By keyboard, as somebody without a mouse does."""
    await page.goto(at)
    await expect(page).to_have_title("サインイン — 兆し")
    await page.locator("#name").focus()
    await page.keyboard.type(name)
    await page.keyboard.press("Tab")
    await page.keyboard.type(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page.locator(".nav")).to_be_visible()


async def sound(page: Page) -> None:
    """Accessible, within the policy, nothing injected."""
    assert await violations(page) == []
    assert await page.evaluate("window.policyViolations") == []
    assert await page.locator("img[src=x]").count() == 0


async def test_a_teachers_morning(page: Page, standing: tuple[House, str]) -> None:
    house, at = standing
    await page.goto(at)
    await sound(page)
    await sign_in(page, at, "homeroom A51")
    await expect(page.locator("h1")).to_have_text("わたしのお知らせ")
    await expect(page.locator(".demo")).to_contain_text("データは模擬です (simulated)")
    first = city.alert_id(city.child_id("A51", 1))
    card = page.locator(f"#alert-{first}")
    await expect(card).to_contain_text("3日続けて欠席しています。")
    await expect(page.locator(".card")).to_have_count(2)
    await sound(page)

    await page.locator(f"#acknowledge-{first}").press("Enter")
    await expect(page.locator(f"#outcome-{first}")).to_be_focused()
    await expect(card).to_contain_text("に確認")

    child = city.child_id("A51", 3)
    new = city.raised("A51", 3, version=2)
    await city.feed(house.feed, Alerts(), [city.event(new, name="new")])
    await expect(page.locator(f"#alert-{new.alert_id}")).to_be_visible()
    await sound(page)

    await page.goto(f"{at}/children/{child}")
    await expect(page.locator("h1")).to_contain_text(city.EVIL)
    await expect(page.locator("#chart-year canvas")).to_be_visible()
    await sound(page)

    await page.goto(f"{at}/classes/{city.CLASSES['A51']}")
    await expect(page.locator(".class-table tbody tr")).to_have_count(3)
    await sound(page)

    await page.goto(f"{at}/search?query=やまだ")
    await sound(page)

    await page.goto(f"{at}/children/{city.child_id('B51', 1)}")
    await expect(page.locator("h1")).to_have_text("見つかりませんでした")
    await sound(page)

    await page.goto(at)
    await page.get_by_role("button", name="English").click()
    await expect(page.locator("html")).to_have_attribute("lang", "en")
    await expect(page.locator("h1")).to_have_text("My notices")
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.locator("#password")).to_be_visible()
    await page.goto(f"{at}/children/{child}")
    await expect(page.locator("#password")).to_be_visible()


async def test_an_outcome_closes_the_alert(page: Page, standing: tuple[House, str]) -> None:
    _, at = standing
    await sign_in(page, at, "homeroom A52")
    alert = city.alert_id(city.child_id("A52", 1))
    await page.locator(f"#acknowledge-{alert}").click()
    await page.locator(f"#outcome-{alert}").select_option("contacted_family")
    await page.locator(f"#alert-{alert}").get_by_role("button", name="記録して終える").click()
    await expect(page.locator(f"#recent-{alert}")).to_contain_text("家庭に連絡した")


async def test_a_note_is_kept(page: Page, standing: tuple[House, str]) -> None:
    _, at = standing
    await sign_in(page, at, "homeroom A52")
    await page.goto(f"{at}/children/{city.child_id('A52', 1)}")
    await page.locator("#note-text").fill("放課後に話した。\n来週もう一度。")
    await page.get_by_role("button", name="メモを書く").click()
    await expect(page.locator(".note").first).to_contain_text("来週もう一度。")


@pytest.mark.parametrize("who", ["operator", "board", "nurse AAAA", "administrator", "vice_principal AAAA"])
async def test_every_post_finds_its_first_page(page: Page, standing: tuple[House, str], who: str) -> None:
    _, at = standing
    await sign_in(page, at, who)
    await expect(page.locator("h1")).to_be_visible()
    await expect(page.locator(".nav a[aria-current]")).to_have_count(1)
    for link in await page.locator(".nav a").all():
        answer = await page.request.get(at + str(await link.get_attribute("href")))
        assert answer.status == 200, await link.get_attribute("href")
    await sound(page)
