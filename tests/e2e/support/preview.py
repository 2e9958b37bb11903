"""Look at the pages without a running system: python -m tests.e2e.support.preview FOLDER [WIDTHxHEIGHT].

Writes a picture of every page in both languages, and tells what axe and the content security policy say.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import uvicorn
from playwright.async_api import Browser, Page, async_playwright

from contracts.codes import StaffRole
from kizashi.embedded.assets import axe_script
from kizashi.embedded.browser import chromium
from services.gateway.views import Language, Post
from tests.e2e.support import samples
from tests.e2e.support.sample_door import Scene, app

CHILD = "0" * 31 + "1"
PAGES = {
    "board": "/",
    "child": f"/children/{CHILD}",
    "class": f"/classes/{samples.SCHOOL}/2026/5/2",
    "search": "/search?query=さ",
    "sign-in": "/sign-in",
    "password": "/password",
    "operations": "/operations",
    "admin": "/admin",
    "problem-403": "/problem/403",
    "problem-503": "/problem/503",
}


@asynccontextmanager
async def serving(scene: Scene) -> AsyncIterator[str]:
    """The pages on a free port of this machine, as long as the block lasts."""
    server = uvicorn.Server(
        uvicorn.Config(app(scene), port=0, log_level="error", timeout_graceful_shutdown=1)
    )
    running = asyncio.create_task(server.serve())
    while not server.started:
        if running.done():
            raise RuntimeError("the preview server did not start")
        await asyncio.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    await running


async def violations(page: Page) -> list[str]:
    """What axe finds on the page, one line each."""
    await page.evaluate(axe_script().read_text(encoding="utf-8"))
    found = await page.evaluate(
        "async () => (await axe.run(document, {resultTypes: ['violations']})).violations"
    )
    return [f"{each['id']}: {node['target']} {node['html'][:90]}" for each in found for node in each["nodes"]]


async def _look(browser: Browser, scene: Scene, at: str, folder: Path, size: tuple[int, int]) -> None:
    page = await browser.new_page(viewport={"width": size[0], "height": size[1]}, bypass_csp=False)
    page.on(
        "console", lambda message: print(f"  console: {message.text}") if message.type == "error" else None
    )
    scenes = [(name, path, language) for name, path in PAGES.items() for language in Language]
    for name, path, language in scenes:
        scene.language = language
        await page.goto(at + path)
        if name == "child":
            await page.wait_for_selector("#chart-year[data-drawn]")
            await page.wait_for_timeout(1200)
        await page.screenshot(path=folder / f"{name}-{language}.png", full_page=True)
        for line in await violations(page):
            print(f"{name} {language}: {line}")
    await page.close()


async def main(folder: Path, size: tuple[int, int]) -> None:
    """Write all pictures."""
    scene = Scene()
    scene.frame = {"sees_operations": True, "administers": True}
    async with serving(scene) as at, async_playwright() as tool:
        browser = await tool.chromium.launch(**chromium().launch_options())
        await _look(browser, scene, at, folder, size)
        page = await browser.new_page(viewport={"width": size[0], "height": size[1]})
        scene.language, scene.board = Language.ja, samples.quiet_board()
        await page.goto(at)
        await page.screenshot(path=folder / "board-quiet.png", full_page=True)
        scene.board, scene.frame = (
            samples.counts_board(),
            {"posts": (Post(StaffRole.board),), "classes": (), "sees_children": False, "open_alerts": 0},
        )
        await page.goto(at)
        await page.screenshot(path=folder / "board-counts.png", full_page=True)
        for line in await violations(page):
            print(f"counts: {line}")
        scene.holiday = True
        await page.goto(at + "/operations")
        await page.screenshot(path=folder / "operations-holiday.png")
        await browser.close()


if __name__ == "__main__":
    width, height = (int(part) for part in (sys.argv[2] if len(sys.argv) > 2 else "1366x768").split("x"))
    pictures = Path(sys.argv[1])
    pictures.mkdir(parents=True, exist_ok=True)
    asyncio.run(main(pictures, (width, height)))
