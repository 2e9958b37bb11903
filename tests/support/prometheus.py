"""A Prometheus of the test's own, scraping every second what it is told to."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml

from kizashi.supervisor import free_port
from tests.support.promtool import program
from tests.support.waiting import wait_until

_DEPLOYED = Path(__file__).parents[2] / "deploy/prometheus"


class Prometheus:
    """Its HTTP API."""

    def __init__(self, port: int) -> None:
        self._client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10.0, trust_env=False)

    def get(self, path: str, **parameters: Any) -> Any:
        """The ``data`` of an answer."""
        answer = self._client.get(f"/api/v1/{path}", params=parameters)
        return answer.raise_for_status().json()["data"]

    def ready(self) -> bool:
        """Whether it answers queries."""
        try:
            return self._client.get("/-/ready").status_code == 200
        except httpx.TransportError:
            return False

    def names(self) -> set[str]:
        """Every metric that has a series."""
        return set(self.get("label/__name__/values"))

    def query(self, expression: str) -> list[float]:
        """The values of an expression now."""
        return [float(each["value"][1]) for each in self.get("query", query=expression)["result"]]


def _config(ports: Mapping[str, int], rules: Path) -> dict[str, Any]:
    """The deployed configuration, but for addresses and haste: each target by its own name still."""
    config: dict[str, Any] = yaml.safe_load((_DEPLOYED / "prometheus.yml").read_text("utf-8"))
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config["rule_files"] = [str(rules)]
    (job,) = config["scrape_configs"]
    deployed = [target.partition(":")[0] for target in job["static_configs"][0]["targets"]]
    assert set(deployed) == set(ports)
    # the deployed rule that takes the label "service" from the address still runs; only then comes the real one
    job["relabel_configs"] += [
        {
            "source_labels": ["service"],
            "regex": name,
            "target_label": "__address__",
            "replacement": f"127.0.0.1:{port}",
        }
        for name, port in ports.items()
    ]
    return config


@contextmanager
def scraping(folder: Path, ports: Mapping[str, int], rules: Path) -> Iterator[Prometheus]:
    """Prometheus on ``folder`` scraping ``ports`` (by service) until the block ends.

    Raises:
        PrometheusUnavailable: it is not installed and cannot be fetched.
    """
    executable, port = program("prometheus"), free_port()
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "prometheus.yml"
    config.write_text(yaml.safe_dump(_config(ports, rules)), "utf-8")
    words = [executable, f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}"]
    words += [f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn"]
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(words, cwd=folder, stdout=log, stderr=log)
    try:
        found = Prometheus(port)
        wait_until(lambda: found.ready() or process.poll() is not None, 20, "Prometheus")
        assert process.poll() is None, (folder / "prometheus.log").read_text("utf-8")
        yield found
    finally:
        process.terminate()
        process.wait(20)
