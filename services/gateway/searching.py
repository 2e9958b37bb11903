"""Names as they are searched: one form for every way of typing them."""

import unicodedata


def searchable(text: str) -> str:
    """Width, case, spaces and hiragana/katakana made one, so that any way of typing a name finds it."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(
        chr(ord(each) - 0x60) if "ァ" <= each <= "ヶ" else each for each in folded if not each.isspace()
    )
