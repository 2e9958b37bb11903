"""``python -m simulator`` is ``kizashi simulate``."""

import sys

from simulator.cli import main

sys.exit(main())
