"""What the demo shows in the terminal while a year happens: stage, day, events, pace, alerts, lag."""

import asyncio
import time
from dataclasses import dataclass, field

import asyncpg
from confluent_kafka import KafkaException
from rich.console import Console
from rich.live import Live
from rich.table import Table

from kizashi.demo.gauges import Gauges
from kizashi.demo.replay import Sender
from kizashi.system import System
from services.kit.errors import error_name

_REFRESH_SECONDS = 0.5


@dataclass
class Display:
    """A table that refreshes itself; plain lines where the output is no terminal."""

    console: Console
    stage: str = "起動 starting"
    day: str = ""
    alerts: int = 0
    held: int = 0
    retracted: int = 0
    applied: int = 0
    lag: int = 0
    difference: int = 0
    pace: float = 0.0
    _last: tuple[float, int] = field(default_factory=lambda: (time.monotonic(), 0))
    _said: str = ""

    def say(self, line: str) -> None:
        """A line above the table."""
        self.console.print(f"[dim]{line}[/dim]", highlight=False)

    def table(self, sent: int) -> Table:
        """The state as a table of two columns."""
        table = Table(show_header=False, box=None, padding=(0, 2))
        table.add_row("段階 stage", f"[bold]{self.stage}[/bold]")
        table.add_row("学校の日 school day", self.day or "—")
        table.add_row("送信 events sent", f"{sent:,}")
        table.add_row("処理 applied facts", f"{self.applied:,}  ({self.pace:,.0f}/s)")
        table.add_row(
            "お知らせ alerts", f"{self.alerts}  (ほか held {self.held}, 取り下げ withdrawn {self.retracted})"
        )
        table.add_row("遅れ lag", f"{self.lag:,}")
        table.add_row("照合の差 reconciliation", f"{self.difference}")
        table.caption = "模擬データ simulated data"
        return table

    async def follow(self, system: System, gauges: Gauges, sender: Sender) -> None:
        """Refresh for ever."""
        connection = await system.administrator()
        with Live(console=self.console, refresh_per_second=4, transient=False) as live:
            try:
                while True:
                    await self._try_look(gauges, connection)
                    live.update(self.table(sender.sent)) if self.console.is_terminal else self._line(
                        sender.sent
                    )
                    await asyncio.sleep(_REFRESH_SECONDS)
            finally:
                live.update(self.table(sender.sent))
                await connection.close()

    async def _try_look(self, gauges: Gauges, connection: asyncpg.Connection) -> None:
        """A gauge that cannot be read now is read at the next refresh."""
        try:
            await self._look(gauges, connection)
        except (KafkaException, asyncpg.PostgresError) as error:
            self.say(f"gauges: {error_name(error)}")

    async def _look(self, gauges: Gauges, connection: asyncpg.Connection) -> None:
        standings = await gauges.standings(connection)
        self.lag = sum(s.lag for s in standings)
        self.difference = sum(s.difference for s in standings)
        applied = sum(s.received for s in standings if s.consumer == "features.facts")
        now, (then, before) = time.monotonic(), self._last
        self.pace = 0.6 * self.pace + 0.4 * (applied - before) / max(now - then, 0.001)
        self._last, self.applied = (now, applied), applied
        counts = await alert_counts(connection)
        self.alerts, self.held, self.retracted = counts["raised"], counts["held"], counts["retracted"]

    def _line(self, sent: int) -> None:
        line = f"{self.stage} {self.day[:7]}"
        if line != self._said:
            self._said = line
            self.console.print(
                f"{line}  sent {sent:,}  applied {self.applied:,}  alerts {self.alerts}  lag {self.lag:,}"
                f"  difference {self.difference}",
                highlight=False,
            )


async def alert_counts(connection: asyncpg.Connection) -> dict[str, int]:
    """Alerts by what became of them, from notify's own table."""
    row = await connection.fetchrow(
        "SELECT count(*) FILTER (WHERE placed_in IS NOT NULL) AS raised,"
        " count(*) FILTER (WHERE placed_in IS NULL) AS held,"
        " count(*) FILTER (WHERE status = 'retracted') AS retracted FROM notify.alert"
    )
    return dict(row) if row is not None else {}
