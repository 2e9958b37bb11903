"""The packaged browser starts, keeps the pages' policy, and draws Japanese with the font that we serve."""

from __future__ import annotations

import asyncio
import functools
import http.server
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, async_playwright

from kizashi.embedded.assets import axe_script, copy_served_files
from kizashi.embedded.browser import chromium

_PAGE = """<!doctype html><html lang="ja"><head><meta charset="utf-8"><title>兆し</title>
<meta http-equiv="Content-Security-Policy" content="script-src 'self'">
<link rel="stylesheet" href="noto-sans-jp/noto-sans-jp.css"><link rel="stylesheet" href="tokens.css">
<link rel="stylesheet" href="page.css"></head>
<body><main><h1 id="word">確認をお願いします</h1><h2 id="none">&#xE000;&#xE001;</h2></main>
<script>window.inline = true</script><script src="htmx.min.js"></script><script src="echarts.min.js"></script>
</body></html>
"""
_STYLE = """h1, h2 { font-family: 'Noto Sans JP Variable'; font-size: 40px; display: inline-block;
color: var(--color-primitive-blue-900) }"""


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        return None


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A page with the files of the gateway, served on loopback."""
    site = copy_served_files(tmp_path_factory.mktemp("site") / "vendor")
    (site / "index.html").write_text(_PAGE, encoding="utf-8")
    (site / "page.css").write_text(_STYLE)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    server.server_close()


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    packaged = await asyncio.to_thread(chromium)
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(**packaged.launch_options())
        yield started
        await started.close()


async def test_the_gateway_files_work_in_the_packaged_browser(
    browser: Browser, address: str, tmp_path: Path
) -> None:
    page = await browser.new_page()
    foreign: list[str] = []
    page.on("request", lambda request: foreign.append(request.url) if address not in request.url else None)
    await page.goto(address)
    await page.evaluate("() => document.fonts.ready")

    assert await page.evaluate("typeof htmx.process") == "function"
    assert await page.evaluate("typeof echarts.init") == "function"
    assert await page.evaluate("window.inline") is None  # the policy holds
    assert await page.evaluate("document.fonts.check(\"40px 'Noto Sans JP Variable'\", '確認')")
    assert await page.evaluate("getComputedStyle(word).color") == "rgb(0, 23, 193)"
    assert foreign == []
    drawn = await page.locator("#word").screenshot(path=tmp_path / "word.png")
    boxes = await page.locator("#none").screenshot()
    assert len(drawn) > 3 * len(boxes)  # nine different characters, not nine times the box for a missing one


async def test_several_pages_and_contexts_live_side_by_side(browser: Browser, address: str) -> None:
    for _ in range(3):
        context = await browser.new_context(locale="ja-JP", timezone_id="Asia/Tokyo")
        page = await context.new_page()
        await page.goto(address)
        assert await page.title() == "兆し"
        await context.close()


async def test_the_accessibility_rules_run(browser: Browser, address: str) -> None:
    context = await browser.new_context(bypass_csp=True)
    page = await context.new_page()
    await page.goto(address)
    await page.add_script_tag(path=axe_script())
    violations = await page.evaluate("axe.run().then(result => result.violations.map(each => each.id))")
    assert violations == []
