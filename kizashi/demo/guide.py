"""What the demo prints when the board is open: the address, the accounts and five things to try."""

import json

from rich.console import Console
from rich.panel import Panel

from kizashi.demo.probes import Child
from services.gateway.demo import DemoLogin

_ROLES = {
    "homeroom": "担任",
    "grade_head": "学年主任",
    "vice_principal": "教頭",
    "nurse": "養護教諭",
    "board": "教育委員会",
    "operator": "運用",
}


def curl(url: str, token_file: str, child: Child, index: int, code: int, sequence: int = 0) -> str:
    """A command that sends one day of one child."""
    data = {
        "pupil": {"source_id": child.source_id},
        "school": child.school,
        "date": child.days[index].isoformat(),
        "code": code,
    }
    event = {
        "specversion": "1.0",
        "id": f"try-{index}-{code}-{sequence}",
        "source": "school-office",
        "type": "attendance-recorded",
        "time": "NOW",
        "data": data,
    }
    body = json.dumps(event, separators=(",", ":")).replace("NOW", "'$(date -u +%FT%TZ)'")
    return (
        f'curl -s {url}/v1/events -H "authorization: Bearer $(cat {token_file})" '
        f"-H 'content-type: application/cloudevents+json' -d '{body}'"
    )


def show(
    console: Console,
    gateway_url: str,
    ingest_url: str,
    accounts: list[DemoLogin],
    token_file: str,
    child: Child,
) -> None:
    """Print everything a visitor needs."""
    console.print(Panel.fit(f"[bold]{gateway_url}[/bold]\n模擬データ simulated data", title="兆し Kizashi"))
    for login in accounts:
        console.print(
            f"  {_ROLES.get(login.role.value, login.role.value):<6} {gateway_url}{login.link}",
            highlight=False,
        )
    lines = [
        "教頭の画面を開いたまま、三日続きの欠席を送る (with the vice-principal's board open, send three absences):",
        *(curl(ingest_url, token_file, child, day, 3) for day in range(3)),
        "1秒ほどで画面にお知らせが現れる (the alert appears within about a second).",
        "三日とも出席停止に訂正すると、お知らせは取り下げられる (correct all three to 出席停止: it is withdrawn):",
        *(curl(ingest_url, token_file, child, day, 4, 1) for day in range(3)),
        "サービスを1つ kill -9 しても、運用の画面の「差」は 0 のまま (kill -9 a service: the difference stays 0):",
        "pkill -9 -f 'kizashi run features'",
    ]
    console.print("\n[bold]試す (things to try)[/bold]")
    for line in lines:
        console.print(line, highlight=False, soft_wrap=True, markup=False)
    console.print("\nCtrl-C で終了 (stops everything).")
