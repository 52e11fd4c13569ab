"""What is served and observed, in the words of OpenTelemetry.

`attributes` is the standard library; `OtelExporter` wants opentelemetry-api (the extra `otel`):

    client = Client("live/production.json", export=OtelExporter())

Names are those of the semantic conventions for feature flags and generative AI, which are still in
development; where they have none (no version of a prompt, for example) `lockgate.` stands in front.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lockgate_client.observation import Amendment, Observation, arm_of
from lockgate_client.serving import Resolution

if TYPE_CHECKING:
    from opentelemetry._logs import LoggerProvider
    from opentelemetry.metrics import MeterProvider

DURATION = "gen_ai.client.operation.duration"
EVALUATION = "gen_ai.evaluation.result"
_SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
"""The bounds that the conventions advise for the histogram of durations."""

Attributes = dict[str, str | int]


def attributes(resolution: Resolution, environment: str = "") -> Attributes:
    """What a span of the request should carry to tell which release answered it."""
    found: Attributes = {
        **_flag(resolution, arm_of(resolution)),
        "feature_flag.provider.name": "lockgate",
        "lockgate.generation": resolution.generation,
        "lockgate.reason": resolution.reason,
    }
    if environment:
        found["feature_flag.set.id"] = environment
    for name, component in resolution.components.items():
        found[f"lockgate.component.{name.replace('/', '.')}"] = str(component.get("version", ""))
    prompts = [name for name in resolution.components if name.startswith("prompt/")]
    if len(prompts) == 1:
        found["gen_ai.prompt.name"] = prompts[0].removeprefix("prompt/")
    return {**found, **_model(resolution)}


class OtelExporter:
    """Given to a client as `export`: durations as a histogram, quality, harm and feedback as events."""

    def __init__(
        self, meter_provider: MeterProvider | None = None, logger_provider: LoggerProvider | None = None
    ) -> None:
        """The global providers where none are given. Raises ImportError without opentelemetry-api."""
        from opentelemetry._logs import get_logger
        from opentelemetry.metrics import get_meter

        meter = get_meter("lockgate_client", meter_provider=meter_provider)
        self._duration = meter.create_histogram(
            DURATION,
            unit="s",
            description="How long a request took.",
            explicit_bucket_boundaries_advisory=_SECONDS,
        )
        self._logger = get_logger("lockgate_client", logger_provider=logger_provider)

    def __call__(self, row: Observation | Amendment) -> None:
        """Hands `row` on. Called by the client's own thread."""
        said: dict[str, Any] = {"lockgate.request.id": row.request_id}
        confirmed = None
        if isinstance(row, Amendment):
            confirmed = row.confirmed
        else:
            served = {**_flag(row.resolution, row.arm), **_model(row.resolution)}
            said = {**said, **served, "feature_flag.set.id": row.environment}
            if row.latency_ms is not None:
                failed = {"error.type": "_OTHER"} if row.error else {}
                self._duration.record(
                    row.latency_ms / 1000, {**served, **failed, "gen_ai.operation.name": "chat"}
                )
        if row.quality is not None:
            self._evaluated(row.at, said, "quality", row.quality, None)
        if row.harmful is not None:
            self._evaluated(row.at, said, "harmful", None, _yes(row.harmful))
        if confirmed is not None:
            self._evaluated(row.at, said, "harmful.confirmed", None, _yes(confirmed))
        if row.feedback is not None:
            self._evaluated(row.at, said, "feedback", row.feedback, "up" if row.feedback > 0 else "down")

    def _evaluated(
        self, at: float, said: Mapping[str, Any], name: str, value: float | None, label: str | None
    ) -> None:
        from opentelemetry._logs import LogRecord

        score: dict[str, Any] = {"gen_ai.evaluation.name": name}
        if value is not None:
            score["gen_ai.evaluation.score.value"] = float(value)
        if label is not None:
            score["gen_ai.evaluation.score.label"] = label
        self._logger.emit(
            LogRecord(timestamp=int(at * 1e9), event_name=EVALUATION, attributes={**said, **score})
        )


def _flag(resolution: Resolution, arm: str) -> Attributes:
    apps = [name for name in resolution.components if name.startswith("app/")]
    return {
        "feature_flag.key": apps[0].removeprefix("app/") if len(apps) == 1 else "lockgate",
        "feature_flag.version": resolution.release,
        "feature_flag.result.variant": arm,
    }


def _model(resolution: Resolution) -> Attributes:
    ids = [part.get("id", "") for name, part in resolution.components.items() if name.startswith("model/")]
    return {"gen_ai.request.model": str(ids[0])} if len(ids) == 1 else {}


def _yes(said: bool) -> str:
    return "yes" if said else "no"
