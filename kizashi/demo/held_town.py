"""Which town a data folder holds: its children are linked and its year is replayed, so it stays that town."""

import json

from kizashi.demo.choice import Choice

_FILE = "town.json"


class OtherTown(RuntimeError):
    """The data folder holds another town; the text says which, and what to do."""


def refuse_other(choice: Choice) -> None:
    """Nothing, if the folder is new or holds this very town.

    Raises:
        OtherTown: the folder holds the town of other options.
    """
    file = choice.data_dir / _FILE
    if file.exists() and (held := json.loads(file.read_text("ascii"))) != _asked(choice):
        raise OtherTown(
            f"{choice.data_dir} holds the town of {_words(held)}: start it with the same options,"
            " or take another folder with --data DIR"
        )


def note(choice: Choice) -> None:
    """Remember whose town the folder holds from now on."""
    (choice.data_dir / _FILE).write_text(json.dumps(_asked(choice)) + "\n", "ascii")


def _asked(choice: Choice) -> dict[str, int | None]:
    return {"seed": choice.seed, "history": choice.history_years, "pupils": choice.pupils}


def _words(held: dict[str, int | None]) -> str:
    return " ".join(f"--{name} {value}" for name, value in held.items() if value is not None)
