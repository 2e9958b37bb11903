"""What a reason becomes on a screen."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sentence:
    """One reason in words: what is seen (``lead``), then dates, own earlier period and class (``rest``)."""

    lead: str
    rest: str = ""
    space: str = ""

    @property
    def text(self) -> str:
        """The whole reason as running text."""
        return f"{self.lead}{self.space if self.rest else ''}{self.rest}"
