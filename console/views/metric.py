"""One metric of a rollout: all that is known of it, in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from console.operations.rollout.scene import Scene
from console.views.interval import LEGEND, picture
from console.views.line import BLANK, Line, Part, line, muted
from console.views.rollout import OUTCOME, interval_of, metric_name, number, threshold_text
from store.records.finding import Finding
from store.text import one_line

if TYPE_CHECKING:
    from evals.live.verdict import MetricVerdict

_PICTURE_CELLS = 50


def metric_lines(scene: Scene, one: Finding) -> tuple[Line, ...]:
    """`one` as it stands in `scene`."""
    analysis = scene.status.sight.analysis if scene.status is not None else None
    verdicts = analysis.metrics if analysis is not None else ()
    verdict = next((found for found in verdicts if found.name == one.metric), None)
    return tuple(_lines(one, verdict))


def _lines(one: Finding, verdict: MetricVerdict | None) -> Iterator[Line]:
    mark = OUTCOME[one.outcome]
    yield line(Part(mark.text, mark.tone), "   ", Part(metric_name(one.metric), "strong"))
    yield line(one.reason)
    yield BLANK
    yield line("  ", *picture(interval_of(one), _PICTURE_CELLS, mark.tone))
    yield line(muted(f"  {LEGEND}"))
    yield BLANK
    yield _row("canary", f"{number(one.metric, one.canary)} over {one.canary_samples:,} samples")
    if one.control is not None or one.control_samples:
        yield _row("control", f"{number(one.metric, one.control)} over {one.control_samples:,} samples")
    interval = interval_of(one)
    if interval.low is not None and interval.high is not None:
        what = f", {verdict.interval}" if verdict is not None and verdict.interval else ""
        shown = f"{_signed(one, interval.low)} … {_signed(one, interval.high)}"
        yield _row("interval", f"{shown}{one_line(what, 120)}")
    yield _row("threshold", threshold_text(one))
    if verdict is not None:
        yield _row(
            "evidence",
            f"{verdict.e_value:,.3g} to 1 against the canary at its highest; "
            f"blocks from {1 / verdict.alpha:,.0f} to 1",
        )
        if verdict.needs is not None:
            yield _row("needs", verdict.needs.words)


def _signed(one: Finding, value: float) -> str:
    text = number(one.metric, value)
    return text.replace("-", "−")


def _row(name: str, text: str) -> Line:
    return line(Part(f"  {name:<10} ", "muted"), Part("", "hang"), text)
