"""The page routes and templates, drawn from sample views: languages, escaping, forms, the way back, problems."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from html.parser import HTMLParser

import httpx
import pytest

from contracts.codes import AlertOutcome, Item, StopReason
from services.gateway.access import Action
from services.gateway.pages.answer import local
from services.gateway.pages.rendering import render
from services.gateway.views import Language, StopLine
from tests.e2e.support import samples
from tests.e2e.support.sample_door import Scene, app

CHILD = "0" * 31 + "1"
PATHS = [
    "/",
    f"/children/{CHILD}",
    f"/classes/{samples.SCHOOL}/2026/5/2",
    "/classes",
    "/search?query=さ",
    "/operations",
    "/admin",
    "/password",
    "/sign-in",
    "/invitation/abc",
    "/problem/403",
]
FORBIDDEN = re.compile("高リスク|危険|異常|疑い|予備軍|不登校|怠学|無気力|のため")


@pytest.fixture
def scene() -> Scene:
    built = Scene()
    built.frame = {"sees_operations": True, "administers": True}
    return built


@pytest.fixture
async def browser(scene: Scene) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app(scene))
    async with httpx.AsyncClient(transport=transport, base_url="http://board.test") as client:
        yield client


class Tags(HTMLParser):
    """The tags of a page with their attributes, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("path", PATHS)
async def test_every_page_is_drawn_in_both_languages(
    browser: httpx.AsyncClient, scene: Scene, path: str, language: Language
) -> None:
    scene.language = language
    answer = await browser.get(path)
    assert answer.status_code in (200, 403)
    page = Tags(answer.text)
    assert page.tags[0] == ("html", {"lang": language.value})
    assert [tag for tag, _ in page.tags].count("h1") == 1
    assert not FORBIDDEN.search(page.text)
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", PATHS)
async def test_no_page_carries_inline_script_style_or_a_foreign_address(
    browser: httpx.AsyncClient, path: str
) -> None:
    for tag, attributes in Tags((await browser.get(path)).text).tags:
        assert "style" not in attributes and tag != "style"
        assert not [name for name in attributes if name.startswith(("on", "hx-on"))]
        assert tag != "script" or (attributes["src"] or "").startswith("/static/")
        for name in ("href", "src", "action", "hx-get", "hx-post"):
            assert (attributes.get(name) or "/").startswith(("/", "#"))


@pytest.mark.parametrize(
    "path", ["/", "/fragments/board", f"/classes/{samples.SCHOOL}/2026/5/2", "/search?query=いんじぇ"]
)
async def test_a_hostile_name_stays_text(browser: httpx.AsyncClient, path: str) -> None:
    answer = await browser.get(path)
    assert "<img src=x" not in answer.text
    assert samples.HOSTILE in Tags(answer.text).text


async def test_teachers_see_no_score_and_no_percentage(browser: httpx.AsyncClient) -> None:
    for path in ("/", f"/children/{CHILD}", f"/classes/{samples.SCHOOL}/2026/5/2"):
        text = Tags((await browser.get(path)).text).text
        assert not re.search(r"[%%]|スコア|確率|リスク", text)


async def test_every_card_ends_with_what_the_records_cannot_tell(
    browser: httpx.AsyncClient, scene: Scene
) -> None:
    text = Tags((await browser.get("/fragments/board")).text).text
    cards = len(scene.board.open) + len(scene.board.others)
    assert text.count("記録から分かるのはここまでです。事情は本人・校内でご確認ください。") == cards
    assert text.count("規則による") == cards
    assert text.count("出典:") == cards


async def test_simulated_data_are_marked_and_real_data_are_not(
    browser: httpx.AsyncClient, scene: Scene
) -> None:
    assert "データは模擬です (simulated)" in (await browser.get("/")).text
    scene.frame = {"demo": False}
    assert "simulated" not in (await browser.get("/")).text


async def test_a_quiet_morning_is_friendly(browser: httpx.AsyncClient, scene: Scene) -> None:
    scene.board = samples.quiet_board()
    assert "今日は新しいお知らせはありません" in (await browser.get("/")).text
    scene.frame = {"is_school_day": False}
    assert "今日は授業日ではありません" in (await browser.get("/")).text


async def test_the_board_of_education_sees_counts_without_small_ones(
    browser: httpx.AsyncClient, scene: Scene
) -> None:
    scene.board, scene.frame = samples.counts_board(), {"sees_children": False}
    text = Tags((await browser.get("/")).text).text
    assert "学校ごとの件数" in text and "5人未満" in text
    assert "わたしのお知らせに" not in text


async def test_operators_are_sent_to_their_own_page(browser: httpx.AsyncClient, scene: Scene) -> None:
    scene.frame = {"sees_children": False, "sees_operations": True}
    answer = await browser.get("/")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/operations")


async def test_the_eight_numbers_stand_in_their_order(browser: httpx.AsyncClient) -> None:
    text = (await browser.get("/operations")).text
    assert re.findall(r'id="tile-([a-z]+)"', text) == [
        "reconciliation",
        "age",
        "confirmed",
        "waiting",
        "refused",
        "undelivered",
        "alerts",
        "decider",
    ]


@pytest.mark.parametrize("path", ["/operations", "/fragments/operations"])
async def test_letters_that_stand_can_be_handled_again(
    browser: httpx.AsyncClient, scene: Scene, path: str
) -> None:
    page = Tags((await browser.get(path)).text)
    assert "登録のない学校" in page.text and "2件がまだ処理できません" in page.text
    action = "/operations/dead-letters/replay"
    forms = [attributes for tag, attributes in page.tags if attributes.get("action") == action]
    assert len(forms) == 2
    assert sum(attributes.get("name") == "csrf" for _, attributes in page.tags) >= 2
    answer = await browser.post(action, data={"consumer": "ingest.inbound", "code": "unknown_school"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/operations")
    assert scene.written == [("replay", "ingest.inbound", "unknown_school")]


@pytest.mark.parametrize(
    ("language", "why"), [(Language.ja, "10件を超えて続いた"), (Language.en, "more than ten bad")]
)
def test_a_partition_that_stopped_is_named_with_its_reason(language: Language, why: str) -> None:
    page = samples.operators_page()
    first, *others = page.reconciliation.consumers
    stop = StopLine("records", 3, StopReason.too_many_bad)
    stopped = replace(first, stopped=True, stops=(stop,))
    reconciliation = replace(page.reconciliation, consumers=(stopped, *others))
    frame = samples.frame(language)
    shown = render(
        "parts/operators.html", language, frame, live=True, page=replace(page, reconciliation=reconciliation)
    )
    section = Tags(shown[shown.index('aria-labelledby="stops"') : shown.index('id="letters"')]).text
    assert "identity.records" in section and "records/3" in section and why in section


def test_the_scoreboard_shows_first_what_decides() -> None:
    frame, page = samples.frame(Language.ja), samples.operators_page()
    shown = render("parts/operators.html", Language.ja, frame, live=True, page=page)
    board = shown[shown.index('id="score-attendance"') :]
    assert "モデルと比べられた期間" in board
    row = Tags(board[board.index("<tbody>") : board.index("</tr>", board.index("<tbody>"))]).text.split()
    assert row[-8:] == ["38", "0.87", "0.26", "214", "61", "0.57", "0.41", "0.24"]


@pytest.mark.parametrize("fields", [{"consumer": "<script>"}, {"code": "nonsense"}, {"consumer": "A B"}])
async def test_only_names_and_codes_of_ours_are_taken(
    browser: httpx.AsyncClient, scene: Scene, fields: dict[str, str]
) -> None:
    data = {"consumer": "ingest.inbound", "code": "schema", **fields}
    assert (await browser.post("/operations/dead-letters/replay", data=data)).status_code == 422
    assert scene.written == []


async def test_a_holiday_says_so_to_operators(browser: httpx.AsyncClient, scene: Scene) -> None:
    scene.holiday = True
    assert Tags((await browser.get("/operations")).text).text.count("授業日ではありません") >= 2


async def test_acknowledging_with_htmx_answers_with_the_board(
    browser: httpx.AsyncClient, scene: Scene
) -> None:
    alert = scene.board.open[0].alert_id
    answer = await browser.post(f"/alerts/{alert}/acknowledge", headers={"HX-Request": "true"})
    assert scene.written == [("acknowledge", alert)]
    assert f'id="outcome-{alert}"' in answer.text and "山田 直子さんが" in answer.text
    assert 'hx-swap-oob="true"' in answer.text


async def test_acknowledging_without_script_goes_back(browser: httpx.AsyncClient, scene: Scene) -> None:
    alert = scene.board.open[0].alert_id
    answer = await browser.post(f"/alerts/{alert}/acknowledge", data={"next": f"/children/{CHILD}"})
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/children/{CHILD}")


async def test_an_outcome_closes_and_an_unknown_one_is_refused(
    browser: httpx.AsyncClient, scene: Scene
) -> None:
    alert = scene.board.open[0].alert_id
    assert (await browser.post(f"/alerts/{alert}/close", data={"outcome": "gossip"})).status_code == 422
    assert scene.written == []
    await browser.post(f"/alerts/{alert}/close", data={"outcome": "watching"})
    assert scene.written == [("close", alert, AlertOutcome.watching)]


async def test_a_note_is_written(browser: httpx.AsyncClient, scene: Scene) -> None:
    answer = await browser.post(
        f"/children/{CHILD}/notes", data={"item": "guidance", "text": "一行目\r\n二行目"}
    )
    assert answer.headers["Location"] == f"/children/{CHILD}"
    assert scene.written == [("note", CHILD, Item.guidance, "一行目\n二行目")]


async def test_the_language_switch_keeps_the_page(browser: httpx.AsyncClient, scene: Scene) -> None:
    answer = await browser.post("/language", data={"language": "en", "next": "/search?query=さ"})
    assert scene.language is Language.en
    assert answer.headers["Location"].startswith("/search?query=")
    assert "lang=en" in answer.headers["Set-Cookie"]


async def test_charts_get_their_data_by_fetch(browser: httpx.AsyncClient) -> None:
    data = (await browser.get(f"/children/{CHILD}/series")).json()
    assert len({len(data[key]) for key in ("dates", "own", "class", "this_year", "last_year")}) == 1
    assert data["this_year"][-1] == 9 and data["last_year"][-1] == 2


@pytest.mark.parametrize(
    ("wanted", "given"),
    [
        ("/search", "/search"),
        ("//evil.test", "/"),
        ("https://evil.test", "/"),
        ("/\\evil.test", "/"),
        ("", "/"),
    ],
)
def test_the_way_back_never_leaves_the_house(wanted: str, given: str) -> None:
    assert local(wanted) == given


@pytest.mark.parametrize("status", [403, 404, 422, 429, 500, 503])
async def test_a_problem_says_what_to_do_in_both_languages(browser: httpx.AsyncClient, status: int) -> None:
    answer = await browser.get(f"/problem/{status}")
    page = Tags(answer.text)
    assert answer.status_code == status
    assert {"lang": "ja"} in [attributes for tag, attributes in page.tags if tag == "div"]
    assert {"lang": "en"} in [attributes for tag, attributes in page.tags if tag == "div"]


async def test_an_ended_session_leads_to_sign_in(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/problem/401")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/sign-in?next=/problem/401")
    live = await browser.get("/problem/401", headers={"HX-Request": "true"})
    assert (live.status_code, live.headers["HX-Redirect"]) == (401, "/sign-in")


async def test_a_problem_of_a_fragment_is_told_above_the_page(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/problem/503", headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["HX-Retarget"]) == (503, "#notice")
    assert "<html" not in answer.text


async def test_a_wrong_password_shows_the_form_again(browser: httpx.AsyncClient) -> None:
    answer = await browser.post("/sign-in", data={"name": "yamada", "password": "wrong"})
    assert answer.status_code == 401
    assert "アカウント名またはパスワードが違います" in answer.text
    right = await browser.post("/sign-in", data={"name": "yamada", "password": "right", "next": "/search"})
    assert (right.status_code, right.headers["Location"]) == (303, "/search")


async def test_each_route_opens_the_door_it_needs(browser: httpx.AsyncClient, scene: Scene) -> None:
    await browser.get("/")
    await browser.get(f"/children/{CHILD}")
    await browser.get("/search")
    await browser.get("/operations")
    assert scene.opened == [
        (Item.attendance, Action.list),
        (Item.attendance, Action.view),
        (Item.registry, Action.search),
        (Item.operations, Action.operate),
    ]
