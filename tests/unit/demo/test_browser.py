"""Where the demo opens the board by itself, and which page it is."""

import pytest

from contracts.codes import StaffRole
from kizashi.demo.browser import board_address, has_display
from services.gateway.demo import DemoLogin


@pytest.mark.parametrize(
    ("platform", "environment", "expected"),
    [
        ("linux", {}, False),
        ("linux", {"DISPLAY": ":0"}, True),
        ("linux", {"DISPLAY": ""}, False),
        ("linux", {"WAYLAND_DISPLAY": "wayland-0"}, True),
        ("darwin", {}, True),
        ("darwin", {"SSH_CONNECTION": "10.0.0.1 1 10.0.0.2 22"}, False),
    ],
)
def test_a_window_needs_a_display(platform: str, environment: dict[str, str], expected: bool) -> None:
    assert has_display(platform, environment) == expected


def test_the_board_is_the_vice_principals() -> None:
    logins = [
        DemoLogin(role, "", "", "", f"/demo/{role}") for role in (StaffRole.board, StaffRole.vice_principal)
    ]
    assert board_address("http://127.0.0.1:8000", logins) == "http://127.0.0.1:8000/demo/vice_principal"
    assert board_address("http://127.0.0.1:8000", []) == "http://127.0.0.1:8000"
