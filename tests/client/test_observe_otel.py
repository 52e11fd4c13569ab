"""What is served and observed, as OpenTelemetry names it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from making_live import NOW, document

from lockgate_client import Client
from lockgate_client.otel import OtelExporter, attributes
from store.live import publish

AT = NOW.timestamp()
CLIENT = Path(__file__).parents[2] / "client"
WITHOUT_THE_EXTRA = """
import sys
sys.path.insert(0, sys.argv[1])
from lockgate_client import Client
from lockgate_client.otel import OtelExporter, attributes
client = Client(sys.argv[2])
assert attributes(client.resolve("u"))["feature_flag.version"] == "r2"
try:
    OtelExporter()
except ImportError:
    print("no opentelemetry, no exporter")
"""


@pytest.fixture
def live(tmp_path: Path) -> Path:
    (tmp_path / "live").mkdir()
    path = tmp_path / "live" / "production.json"
    publish(path, document(7, percent=100))
    return path


def test_attributes_tell_which_release_answered_and_what_is_in_it(live: Path) -> None:
    assert attributes(Client(live).resolve("u"), "production") == {
        "feature_flag.key": "api",
        "feature_flag.version": "r2",
        "feature_flag.result.variant": "canary",
        "feature_flag.provider.name": "lockgate",
        "feature_flag.set.id": "production",
        "gen_ai.request.model": "x",
        "gen_ai.prompt.name": "support",
        "lockgate.generation": 7,
        "lockgate.reason": "canary",
        "lockgate.component.app.api": "v1",
        "lockgate.component.prompt.support": "v2",
        "lockgate.component.model.chat": "v1",
        "lockgate.component.index.handbook": "v3",
        "lockgate.component.guardrail.default": "v1",
        "lockgate.component.evals.support": "v1",
    }
    assert attributes(Client(live).resolve())["feature_flag.result.variant"] == "stable"


def test_attributes_need_the_standard_library_alone(live: Path) -> None:
    command = [sys.executable, "-S", "-I", "-c", WITHOUT_THE_EXTRA, str(CLIENT), str(live)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "no opentelemetry, no exporter"


def test_the_exporter_records_durations_and_events(live: Path) -> None:
    needed = "install opentelemetry-sdk to test the exporter"
    metrics: Any = pytest.importorskip("opentelemetry.sdk.metrics", reason=needed)
    reading: Any = pytest.importorskip("opentelemetry.sdk.metrics.export", reason=needed)
    logs: Any = pytest.importorskip("opentelemetry.sdk._logs", reason=needed)
    exporting: Any = pytest.importorskip("opentelemetry.sdk._logs.export", reason=needed)
    reader = reading.InMemoryMetricReader()
    events = exporting.InMemoryLogRecordExporter()
    logger_provider = logs.LoggerProvider()
    logger_provider.add_log_record_processor(exporting.SimpleLogRecordProcessor(events))
    exporter = OtelExporter(metrics.MeterProvider([reader]), logger_provider)
    client = Client(live, export=exporter, wall=lambda: AT)
    served = client.resolve("u")
    client.observe(served, request_id="1", latency_ms=1500, quality=0.5, harmful=True, feedback=-1)
    client.observe(served, request_id="2", latency_ms=500, error=True)
    client.amend("1", confirmed=False)
    assert client.close() and client.last_observe_error is None

    (metric,) = reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics
    assert (metric.name, metric.unit) == ("gen_ai.client.operation.duration", "s")
    points = {point.attributes.get("error.type"): point for point in metric.data.data_points}
    assert {kind: point.sum for kind, point in points.items()} == {None: 1.5, "_OTHER": 0.5}
    assert points[None].attributes["feature_flag.version"] == "r2"
    assert points[None].attributes["feature_flag.result.variant"] == "canary"
    assert points[None].attributes["gen_ai.request.model"] == "x"

    seen = [one.log_record for one in events.get_finished_logs()]
    assert {one.event_name for one in seen} == {"gen_ai.evaluation.result"}
    assert {one.timestamp for one in seen} == {int(AT * 1e9)}
    assert {one.attributes["lockgate.request.id"] for one in seen} == {"1"}
    said = {
        one.attributes["gen_ai.evaluation.name"]: (
            one.attributes.get("gen_ai.evaluation.score.value"),
            one.attributes.get("gen_ai.evaluation.score.label"),
        )
        for one in seen
    }
    assert said == {
        "quality": (0.5, None),
        "harmful": (None, "yes"),
        "harmful.confirmed": (None, "no"),
        "feedback": (-1.0, "down"),
    }
    assert seen[0].attributes["feature_flag.key"] == "api"
    assert seen[0].attributes["feature_flag.set.id"] == "production"
