"""Ed-Fi's sample district, which lies beside the project and is no part of it.

Where it is missing the asking test is skipped with the reason; with REQUIRE_BACKENDS=1 it fails.
"""

from __future__ import annotations

from pathlib import Path

from tests.support.required import is_missing

DISTRICT = Path(__file__).parents[3] / "shared" / "data" / "edfi"
EVENTS, STUDENTS = 1917, 227


def sample_district(folder: Path = DISTRICT) -> Path:
    """The folder of the sample district's files."""
    if not folder.is_dir():
        is_missing(f"the Ed-Fi sample district {'/'.join(('..', *folder.parts[-3:]))} is not on this machine")
    return folder
