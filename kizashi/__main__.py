"""``python -m kizashi``."""

from kizashi.cli import main

main()
