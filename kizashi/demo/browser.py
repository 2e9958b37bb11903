"""The board in the visitor's own browser, where there is a screen to show it on."""

import asyncio
import os
import sys
import webbrowser
from collections.abc import Mapping, Sequence

from contracts.codes import StaffRole
from services.gateway.demo import DemoLogin


def has_display(platform: str, environment: Mapping[str, str]) -> bool:
    """Whether a window can open; without one a browser of the terminal would take the demo's place in it."""
    if platform in ("darwin", "win32"):
        return "SSH_CONNECTION" not in environment
    return bool(environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY"))


def board_address(gateway_url: str, accounts: Sequence[DemoLogin]) -> str:
    """教頭's one-click link, on whose board every alert of the school is; the front door if nobody holds the post."""
    links = [account.link for account in accounts if account.role is StaffRole.vice_principal]
    return gateway_url + (links[0] if links else "")


async def open_board(gateway_url: str, accounts: Sequence[DemoLogin]) -> None:
    """Open the board if there is a display; that no browser answers is no fault, for the address is printed."""
    if has_display(sys.platform, os.environ):
        await asyncio.to_thread(webbrowser.open, board_address(gateway_url, accounts))
