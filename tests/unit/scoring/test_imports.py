"""What a member pays for before it joins its group."""

import subprocess
import sys


def test_building_the_service_does_not_import_river() -> None:
    """river takes a second to import; only the learner needs it, after the join."""
    code = "import services.scoring.app, sys; sys.exit('river' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
