"""`/metrics`, and that the dashboard and the alert rules of `deploy/` ask for what there is."""

import json
import re
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from structlog.testing import capture_logs

from leflux import __version__
from leflux.http1.latency import kind_of
from tests.server.owner_kit import OwnerKit, owning
from tests.services.server import ROOT

DEPLOY = ROOT / "deploy"


async def metrics(kit: OwnerKit) -> str:
    async with (await kit.http()).get(f"{kit.base}/metrics") as answer:
        assert answer.status == 200
        return await answer.text()


def asked_for() -> set[str]:
    """The metrics that the alert rules and the dashboard name."""
    rules = yaml.safe_load((DEPLOY / "alerts.yaml").read_text())["groups"][0]["rules"]
    panels = json.loads((DEPLOY / "grafana.json").read_text())["panels"]
    texts = [rule["expr"] for rule in rules] + [target["expr"] for panel in panels for target in panel["targets"]]
    return {name for text in texts for name in re.findall(r"\bleflux_\w+", text)}


async def test_calls_are_timed_by_kind_and_the_build_is_named(tmp_path: Path) -> None:
    async with owning(tmp_path) as kit:
        for path in ("/embed.js", "/api/admin/sites", "/nothing"):
            async with (await kit.http()).get(kit.base + path):
                pass
        text = await metrics(kit)
        samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
        counts = {
            (sample.labels["call"], sample.labels["status"]): sample.value
            for sample in samples
            if sample.name == "leflux_http_seconds_count"
        }
        assert counts.keys() >= {("script", "2xx"), ("admin", "4xx"), ("other", "4xx")}
        assert [s.labels["version"] for s in samples if s.name == "leflux_build_info"] == [__version__]
        for key, count in counts.items():
            buckets = [
                sample.value
                for sample in samples
                if sample.name == "leflux_http_seconds_bucket"
                and (sample.labels["call"], sample.labels["status"]) == key
            ]
            assert buckets == sorted(buckets)
            assert buckets[-1] == count


async def test_the_dashboard_and_the_alerts_ask_for_metrics_that_exist(tmp_path: Path) -> None:
    async with owning(tmp_path) as kit:
        await metrics(kit)
        text = await metrics(kit)
    there = {sample.name for family in text_string_to_metric_families(text) for sample in family.samples}
    described = {f"{name}{suffix}" for name in re.findall(r"# TYPE (\w+)", text) for suffix in ("", "_total")}
    assert asked_for() <= there | described


@pytest.mark.parametrize(
    ("method", "target", "kind"),
    [
        ("POST", "/api/session/init", "init"),
        ("POST", "/api/session/abc", "restore"),
        ("GET", "/api/session/abc?x=1", "session"),
        ("GET", "/api/session/abc/messages?since=1", "messages"),
        ("DELETE", "/api/session/abc", "erase"),
        ("BREW", "/api/session/abc", "other"),
        ("POST", "/api/chat", "chat"),
        ("GET", "/socket.io/?EIO=4", "socket"),
        ("GET", "/" + "x" * 1_000, "other"),
    ],
)
def test_whatever_a_client_asks_for_there_are_few_kinds(method: str, target: str, kind: str) -> None:
    assert kind_of(method, target) == kind


@pytest.mark.parametrize("wanted", [True, False])
async def test_each_call_is_logged_when_it_is_asked_for_with_its_session_shortened(
    tmp_path: Path, wanted: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    session_id = "5f2b1c3e-aaaa-4bbb-8ccc-123456789abc"
    with capture_logs() as logged:
        async with (
            owning(tmp_path, server={"host": "127.0.0.1", "port": 0, "access_log": wanted}) as kit,
            (await kit.http()).get(f"{kit.base}/api/session/{session_id}?token=secret"),
        ):
            pass
    lines = [line for line in logged if line["event"] == "http" and line["log_level"] == "info"]
    assert [line["path"] for line in lines] == (["/api/session/5f2b1c3e…"] if wanted else [])
    assert session_id not in capsys.readouterr().out
