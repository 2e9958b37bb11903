"""Elements of an XML file one by one, within bounds. A DOCTYPE ends the reading: nothing is expanded."""

from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from contracts.codes import Refusal
from kizashi.publish.entries import Unreadable

MAX_FILE_BYTES = 2 * 1024**3
MAX_DEPTH = 32
#: Elements inside one record.
MAX_NODES = 5_000


def _plain(tag: str) -> str:
    return tag.rpartition("}")[2]


def _refuse(path: Path, ja: str, en: str) -> Unreadable:
    return Unreadable(f"{path.name}: {ja} / {en}", Refusal.bad_xml)


def elements(path: Path, wanted: frozenset[str]) -> Iterator[tuple[str, Element]]:
    """Elements of these names directly below the root, with their plain names; each is gone afterwards.

    Raises:
        Unreadable: a DOCTYPE or entity, not well formed, nested too deeply, or too large.
    """
    if path.stat().st_size > MAX_FILE_BYTES:
        raise _refuse(path, "大きすぎます", "the file is too large")
    try:
        yield from _parse(path, wanted)
    except DefusedXmlException:
        raise _refuse(
            path, "DOCTYPEや実体宣言は受け付けません", "a DOCTYPE or entities are not accepted"
        ) from None
    except ParseError as error:
        line, _ = error.position
        text = f"{line}行目でXMLとして読めません", f"not well-formed XML at line {line}"
        raise _refuse(path, *text) from None
    except ValueError:
        raise _refuse(path, "文字コードを読めません", "the encoding is not supported") from None


def _parse(path: Path, wanted: frozenset[str]) -> Iterator[tuple[str, Element]]:
    depth = nodes = 0
    root: Element | None = None
    for event, element in iterparse(str(path), events=("start", "end"), forbid_dtd=True):
        if event == "start":
            root = element if root is None else root
            depth, nodes = depth + 1, nodes + 1
            if depth > MAX_DEPTH or nodes > MAX_NODES:
                raise _refuse(path, "入れ子か要素が多すぎます", "nested too deeply or too many elements")
            continue
        depth -= 1
        if depth == 1 and root is not None:
            if _plain(element.tag) in wanted:
                yield _plain(element.tag), element
            root.clear()
            nodes = 0


def find(element: Element, path: str) -> Element | None:
    """The first element below ``element`` on a path of plain names, whatever the namespace."""
    found: Element | None = element
    for step in path.split("/"):
        if found is None:
            return None
        found = next((child for child in found if _plain(child.tag) == step), None)
    return found


def text(element: Element, path: str) -> str:
    """The text at a path, without blanks around it; empty where there is none."""
    found = find(element, path)
    return (found.text or "").strip() if found is not None else ""


def texts(element: Element, name: str) -> list[str]:
    """The texts of all children of one name."""
    return [(child.text or "").strip() for child in element if _plain(child.tag) == name]


def descriptor(value: str) -> str:
    """The code of a descriptor: what stands behind "#"."""
    return value.rpartition("#")[2].strip()
