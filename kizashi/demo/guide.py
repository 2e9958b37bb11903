"""What the demo prints when the board is open: the address, the accounts and five things to try."""

import json
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.panel import Panel

from contracts.codes import AttendanceCode, AttendanceFlag
from kizashi.demo.probes import Child
from services.gateway.demo import DemoLogin

GOES_ON = "{lived} の続きから再生します (this folder goes on behind {lived})"
NOTHING_AHEAD = (
    "{lived} まで再生済みです。今回の再生はなく、その速さは null になります"
    " (lived up to {lived} already: nothing is replayed, and the figures of a replay are null)"
)
_ROLES = {
    "homeroom": "担任",
    "grade_head": "学年主任",
    "vice_principal": "教頭",
    "nurse": "養護教諭",
    "board": "教育委員会",
    "operator": "運用",
}


@dataclass(frozen=True)
class Office:
    """Where the curl commands send, the file that holds their API key, and which start of the demo this is.

    A record of a later start is another record: under the name of an earlier one it would be taken for its copy.
    """

    url: str
    token_file: str
    start: str

    def curl(self, type_: str, name: str, data: dict[str, Any]) -> str:
        """A command that sends one event, recorded now."""
        event = {
            "specversion": "1.0",
            "id": f"try-{self.start}-{name}",
            "source": "school-office",
            "type": type_,
            "time": "NOW",
            "data": data,
        }
        body = json.dumps(event, separators=(",", ":")).replace("NOW", "'$(date -u +%FT%TZ)'")
        return (
            f'curl -s {self.url}/v1/events -H "authorization: Bearer $(cat {self.token_file})" '
            f"-H 'content-type: application/cloudevents+json' -d '{body}'"
        )

    def record(self, child: Child, index: int, code: AttendanceCode, flags: int = 0) -> str:
        """One day of one child."""
        data = {
            "pupil": {"source_id": child.source_id},
            "school": child.school,
            "date": child.days[index].isoformat(),
            "code": int(code),
            "flags": flags,
        }
        return self.curl("attendance-recorded", f"{index}-{int(code)}-{flags}", data)


def lines(office: Office, child: Child, roll_call: dict[str, Any], features_pid: int) -> list[str]:
    """Five things to try, each a sentence and what to type.

    The service to kill is named by its process: a pattern would also hit another folder's.
    """
    absent, provisional = AttendanceCode.other, int(AttendanceFlag.provisional)
    return [
        "1 教頭の画面を開き、欠席の連絡を送る。三日目は確定前 (board open, send absences, the third provisional):",
        office.record(child, 0, absent),
        office.record(child, 1, absent),
        office.record(child, 2, absent, provisional),
        "2 学級の朝の点呼を確定する (confirm the class):",
        office.curl("roll-call-taken", "roll-call", roll_call),
        "3 1秒ほどで画面にお知らせが現れる。今月の枠が埋まっていれば「ほかの変化」に"
        " (the alert appears within about a second; beside the others if the month's places are taken).",
        "4 三日とも出席停止に訂正すると、お知らせは取り下げられる (correct all three to 出席停止: it is withdrawn):",
        *(office.record(child, day, AttendanceCode.suspended) for day in range(3)),
        "5 サービスを1つ kill -9 しても、運用の画面の「差」は 0 のまま (kill -9 a service: the difference stays 0):",
        f"kill -9 {features_pid}",
    ]


def welcome(console: Console, gateway_url: str, accounts: list[DemoLogin]) -> None:
    """Print the address and the one-click accounts."""
    console.print(Panel.fit(f"[bold]{gateway_url}[/bold]\n模擬データ simulated data", title="兆し Kizashi"))
    for login in accounts:
        role = _ROLES.get(login.role.value, login.role.value)
        console.print(f"  {role:<6} {gateway_url}{login.link}", highlight=False, soft_wrap=True)
    console.print("\nCtrl-C で終了 (stops everything).")


def propose(console: Console, to_try: list[str]) -> None:
    """Print what a visitor may try."""
    console.print("\n[bold]試す (things to try)[/bold]")
    for line in to_try:
        console.print(line, highlight=False, soft_wrap=True, markup=False)
