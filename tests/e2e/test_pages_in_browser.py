"""Every page in a real browser, drawn from sample views: accessible, within the policy, usable by keyboard, live."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright, expect

from contracts.codes import AlertOutcome, Band
from kizashi.embedded.assets import copy_served_files
from kizashi.embedded.browser import chromium
from services.gateway.views import Language
from tests.e2e.support import samples
from tests.e2e.support.preview import CHILD, PAGES, serving, violations
from tests.e2e.support.sample_door import Scene

pytestmark = pytest.mark.asyncio(loop_scope="module")

_LISTEN = """
window.policyViolations = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.policyViolations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}`));
"""


@pytest.fixture
def scene() -> Scene:
    built = Scene()
    built.frame = {"sees_operations": True, "administers": True}
    return built


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def browser() -> AsyncIterator[Browser]:
    copy_served_files()
    async with async_playwright() as tool:
        started = await tool.chromium.launch(**chromium().launch_options())
        yield started
        await started.close()


@pytest_asyncio.fixture(loop_scope="module")
async def at(scene: Scene) -> AsyncIterator[str]:
    async with serving(scene) as address:
        yield address
        scene.close()


async def opened(browser: Browser, width: int = 1366) -> Page:
    """A page that notes what the policy refused and fails on dialogs and script errors."""
    page = await browser.new_page(viewport={"width": width, "height": 768})
    await page.add_init_script(_LISTEN)
    page.on("dialog", lambda dialog: pytest.fail(f"a dialog opened: {dialog.type}"))
    page.on("pageerror", lambda error: pytest.fail(f"script error: {error}"))
    return page


@pytest.mark.parametrize(
    ("language", "width"), [(Language.ja, 1366), (Language.en, 1366), (Language.en, 834)]
)
async def test_every_page_is_accessible_and_keeps_to_the_policy(
    browser: Browser, scene: Scene, at: str, language: Language, width: int
) -> None:
    scene.language = language
    page = await opened(browser, width)
    for name, path in PAGES.items():
        await page.goto(at + path)
        if name == "child":
            await expect(page.locator("#chart-year canvas")).to_be_visible()
        assert await violations(page) == [], name
        assert await page.evaluate("window.policyViolations") == [], name
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (
            f"{name} is too wide"
        )
        assert await page.locator("img[src=x]").count() == 0


async def test_the_chart_tells_its_numbers_without_breaking_the_policy(browser: Browser, at: str) -> None:
    page = await opened(browser)
    await page.goto(f"{at}/children/{CHILD}")
    canvas = page.locator("#chart-window canvas")
    await expect(canvas).to_be_visible()
    before = await canvas.screenshot()
    await canvas.scroll_into_view_if_needed()
    await canvas.hover(position={"x": 300, "y": 120})
    for _ in range(50):
        if await canvas.screenshot() != before:
            break
        await asyncio.sleep(0.05)
    assert await canvas.screenshot() != before, "no tooltip was drawn"
    assert await page.evaluate("window.policyViolations") == []


async def test_a_chart_without_data_says_so(browser: Browser, at: str) -> None:
    page = await opened(browser)
    await page.route("**/series", lambda route: route.fulfill(status=503))
    await page.goto(f"{at}/children/{CHILD}")
    await expect(page.locator("#charts .problem")).to_contain_text("グラフを読み込めませんでした")


async def test_acknowledge_and_close_by_keyboard_alone(browser: Browser, scene: Scene, at: str) -> None:
    alert = scene.board.open[0].alert_id
    page = await opened(browser)
    await page.goto(at)
    for _ in range(40):
        await page.keyboard.press("Tab")
        if await page.evaluate("document.activeElement.id") == f"acknowledge-{alert}":
            break
    await page.keyboard.press("Enter")
    await expect(page.locator(f"#outcome-{alert}")).to_be_focused()
    await expect(page.locator(f"#alert-{alert}")).to_contain_text("山田 直子さんが")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page.locator(f"#recent-{alert}")).to_contain_text("本人に声をかけた")
    await expect(page.locator(f"#alert-{alert}")).to_have_count(0)
    assert scene.written == [("acknowledge", alert), ("close", alert, AlertOutcome.talked_with_child)]
    assert await page.evaluate("window.policyViolations") == []


async def test_a_new_alert_appears_while_one_watches_and_disturbs_nothing(
    browser: Browser, scene: Scene, at: str
) -> None:
    page = await opened(browser)
    await page.goto(at)
    await scene.watched.wait()
    other = scene.board.others[0].alert_id
    await page.locator(f"#alert-{other} summary").click()
    chosen = page.locator(f"#outcome-{scene.board.open[2].alert_id}")
    await chosen.select_option("watching")
    new = samples.card(13, Band.soon, samples.MONTH)
    scene.board = replace(scene.board, open=(new, *scene.board.open))
    scene.changed.set()
    await expect(page.locator(f"#alert-{new.alert_id}")).to_be_visible()
    await expect(page.locator(f"#alert-{other} details")).to_have_attribute("open", "")
    await expect(chosen).to_have_value("watching")


async def test_a_refused_answer_is_told_above_the_page(browser: Browser, scene: Scene, at: str) -> None:
    page = await opened(browser)
    await page.goto(at)
    scene.refuse = 503
    await page.locator(".card .button").first.click()
    await expect(page.locator("#notice")).to_contain_text("いま一時的に使えません")
    await expect(page.locator(".card")).to_have_count(len(scene.board.open))
