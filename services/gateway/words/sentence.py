"""What a reason becomes on a screen."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sentence:
    """One reason in words: what is seen (``lead``), then dates, own earlier period and class (``rest``).

    ``audience``: who may read it (``services.gateway.audience``); empty where everybody may who sees alerts.
    """

    lead: str
    rest: str = ""
    space: str = ""
    audience: str = ""

    @property
    def text(self) -> str:
        """The whole reason as running text."""
        return f"{self.lead}{self.space if self.rest else ''}{self.rest}"
