"""How people and classes are named: ruby by parts, grades as the school counts them, posts."""

from services.gateway.views import Frame, Post
from services.gateway.words.catalogue import Words

_HIRAGANA = {katakana: katakana - 0x60 for katakana in range(ord("ァ"), ord("ヶ") + 1)}


def ruby(name: str, kana: str) -> list[tuple[str, str]]:
    """Pairs of name and reading in hiragana, by part where both have as many; no reading over its own kana."""
    names, readings = name.split(), kana.translate(_HIRAGANA).split()
    if len(names) != len(readings):
        names, readings = [name], [kana.translate(_HIRAGANA)]
    return [
        (part, "" if part.translate(_HIRAGANA) == reading else reading)
        for part, reading in zip(names, readings, strict=True)
    ]


def school_grade(grade: int) -> int:
    """The grade as the school counts it: 7 is 中学1年."""
    return grade if grade <= 6 else grade - 6 if grade <= 9 else grade - 9


def class_name(grade: int, label: str, words: Words) -> str:
    """5年2組 / Year 5, class 2."""
    return words("common.class_name", grade=school_grade(grade), label=label)


def post(held: Post, words: Words) -> str:
    """5年2組 担任 / Class teacher, Year 5, class 2."""
    role = words(f"codes.role.{held.role}")
    where = held.school_name or ""
    if held.grade is not None and held.class_label is not None:
        where = class_name(held.grade, held.class_label, words)
    elif held.grade is not None:
        where = words("common.grade", grade=school_grade(held.grade))
    return words("common.post_class", where=where, role=role) if where else role


def many_schools(frame: Frame) -> bool:
    """Whether the viewer's classes lie in several schools, so that a line has to name the school."""
    return len({link.school_name for link in frame.classes}) > 1


def minute(of_day: int) -> str:
    """10:35 for 635."""
    return f"{of_day // 60}:{of_day % 60:02}"
