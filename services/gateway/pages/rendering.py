"""Templates and everything they may call: words, dates, sentences and marks. Escaping is always on.

A template never sees a request; it is handed a view and the frame of its page.
"""

import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from contracts.codes import AlertOutcome, Item, StaffRole
from services.gateway.pages import marks, people, standing, states
from services.gateway.views import Frame, Language
from services.gateway.words import clock, sentences, words_in

TEMPLATES = Path(__file__).parents[1] / "templates"
STATIC = Path(__file__).parents[1] / "static"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        standing=standing,
        people=people,
        states=states,
        asset=asset,
        outcomes=tuple(AlertOutcome),
        roles=tuple(StaffRole),
        grantable=tuple(item for item in Item if item is not Item.operations),
        both=[(language.value, words_in(language)) for language in Language],
    )
    return environment


@cache
def asset(name: str) -> str:
    """The address of a static file; a changed file gets a new address. Raises OSError: no such file of our own.

    Third parties' files come by a step of `make setup`; their version is the lock they were copied from.
    """
    if name.startswith("vendor/"):
        stamp = STATIC / "vendor" / ".from-lock"
        version = stamp.read_bytes() if stamp.is_file() else b""
    else:
        version = (STATIC / name).read_bytes()
    return f"/static/{name}?v={hashlib.sha256(version).hexdigest()[:10]}"


def _names_of(items: Iterable[Item], language: Language) -> str:
    words = words_in(language)
    return ("・" if language is Language.ja else ", ").join(words(f"codes.item.{item}") for item in items)


@cache
def _speaking(language: Language) -> dict[str, object]:
    """What templates call, bound to one language."""
    words = words_in(language)
    return {
        "language": language.value,
        "other_language": (Language.en if language is Language.ja else Language.ja).value,
        "names_of": lambda items: _names_of(items, language),
        "words": words,
        "moment": lambda at: clock.moment(at, language),
        "day": lambda on: clock.day(on, language),
        "month": lambda on: clock.month(on, language),
        "lasting": lambda seconds: clock.lasting(seconds, words),
        "sentences": lambda reasons: sentences(reasons, language),
        "mark": lambda cell: marks.mark(cell, language),
        "row_of": lambda days: marks.row_of(days, language),
        "legend": lambda: marks.legend(language),
        "absent_today": marks.absent_today,
        "class_name": lambda grade, label: people.class_name(grade, label, words),
        "post": lambda held: people.post(held, words),
    }


def render(template: str, language: Language, frame: Frame | None = None, **view: object) -> str:
    """The HTML of a page (or fragment) in a language; ``frame`` None on pages before sign-in."""
    around = {"frame": frame, "demo": frame.demo if frame else False, "here": "", "path": "/", "live": False}
    return _environment().get_template(template).render(_speaking(language) | around | view)
