"""A rollout: its ladder of steps, canary against stable by metric, and how it came there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from console.operations.rollout.scene import Scene
from console.operations.rollout.status import RolloutStatus
from console.views.ages import age, span, stamp
from console.views.interval import Interval, picture
from console.views.line import Line, Part, Tone, line, muted
from console.views.marks import Mark, kind_mark
from console.views.table import Column, Row, Table
from store.records.finding import Finding
from store.records.operation import Operation
from store.records.rollout import Rollout
from store.records.rollout_policy import Step
from store.rules.rollout import approved, told
from store.rules.rollout_pointer import ending
from store.text import one_line

STATE = {
    "pending": Mark("○", "pending", "plain"),
    "awaiting approval": Mark("?", "awaiting approval", "warn"),
    "progressing": Mark("▶", "progressing", "accent"),
    "paused": Mark("‖", "paused", "warn"),
    "succeeded": Mark("✓", "succeeded", "good"),
    "rolling back": Mark("↺", "rolling back", "warn"),
    "rolled back": Mark("↺", "rolled back", "bad"),
    "aborted": Mark("■", "aborted", "warn"),
    "failed": Mark("✗", "failed", "bad"),
    "errored": Mark("!", "errored", "bad"),
    "superseded": Mark("·", "superseded", "muted"),
}
"""By the state of a rollout."""

OUTCOME = {
    "pass": Mark("✓", "pass", "good"),
    "block": Mark("✗", "block", "bad"),
    "inconclusive": Mark("?", "undecided", "warn"),
}
"""By what a metric says."""

_NAMES = {
    "error_rate": "errors",
    "p99_sla": "p99 over SLA",
    "p99_rise": "p99 over stable",
    "bad_feedback": "thumbs down",
    "failures": "failed",
}
_SCORES = ("quality", "retrieval", "similarity")
"""Metrics whose interval is that of the difference, and whose threshold is a drop."""
_STATED = ("harmful",)
"""Metrics that are no rate."""
PICTURE_CELLS = 20

_STEP_COLUMNS = (
    Column("step", least=18, most=34),
    Column("healthy minutes", least=15, most=24),
    Column("scored answers", least=14, most=22),
    Column("approval", grow=1, least=8, drop=1),
)
_METRIC_COLUMNS = (
    Column("says", width=11),
    Column("metric", least=10, most=24),
    Column("  canary", width=8),
    Column(" control", width=8, drop=1),
    Column("interval", width=PICTURE_CELLS),
    Column("threshold", width=9),
    Column("      samples", width=13, drop=2),
    Column("in words", grow=1, least=24, drop=3),
)
_RECORD_COLUMNS = (
    Column("latest", most=12),
    Column("", most=12),
    Column("", most=20, drop=1),
    Column("", grow=1, least=20),
)


@dataclass(frozen=True, slots=True)
class RolloutView:
    """All that the screen shows."""

    environment: str | None
    environments: tuple[str, ...]
    head: tuple[Line, ...]
    alarm: str
    """What is wrong now and lasts; empty where nothing is."""
    steps: Table
    metrics: Table
    records: Table
    live: bool
    """Whether it may change by itself."""


def rollout_view(scene: Scene) -> RolloutView:
    """`scene` as the screen shows it."""
    now = scene.status
    if now is None or now.rollout is None:
        return RolloutView(
            None, scene.environments, _no_rollout(), "", Table(()), Table(()), Table(()), False
        )
    rollout = now.rollout
    return RolloutView(
        environment=now.environment,
        environments=scene.environments,
        head=tuple(_head(scene, now, rollout)),
        alarm=_alarm(now),
        steps=Table(_STEP_COLUMNS, tuple(_steps(now, rollout))),
        metrics=Table(_METRIC_COLUMNS, tuple(_metrics(scene)), line(muted(_no_metric(rollout)))),
        records=_records(scene, now),
        live=rollout.active or rollout.watch_until is not None,
    )


def findings_of(scene: Scene) -> tuple[Finding, ...]:
    """What the metrics say now; of a rollout that is over, what they said when it moved last."""
    if scene.status is not None and scene.status.sight.observed.findings:
        return scene.status.sight.observed.findings
    marks = (record.rollout.findings for record in scene.records if record.rollout is not None)
    return next((found for found in marks if found), ())


def metric_name(metric: str) -> str:
    """A metric as people call it. A category is foreign text."""
    name, _, category = metric.partition("/")
    return f"{_NAMES.get(name, name)}{f' in {one_line(category, 60)}' if category else ''}"


def number(metric: str, value: float | None) -> str:
    """A value of `metric`: a mean score of 0 to 1, or a share in percent."""
    if value is None:
        return "–"
    if metric.startswith(_SCORES):
        return f"{value:.3f}"
    if metric.startswith(_STATED):
        return f"{value:,.0f}"
    return f"{100 * value:.3g} %"


def interval_of(one: Finding) -> Interval:
    """What `one` compares with its threshold. A drop is drawn as what it is: below zero."""
    if one.metric.startswith(_SCORES):
        difference = None if one.canary is None or one.control is None else one.canary - one.control
        drop = None if one.threshold is None else -one.threshold
        return Interval(difference, one.low, one.high, drop)
    return Interval(one.canary, one.low, one.high, one.threshold)


def threshold_text(one: Finding) -> str:
    """The threshold in its unit."""
    if one.threshold is None or (one.threshold == 0 and one.metric not in _STATED):
        return "–"
    if one.metric.startswith(_SCORES):
        return f"−{100 * one.threshold:g} pt"
    if one.metric in _STATED:
        return "none"
    return f"{100 * one.threshold:g} %"


# -- the head --------------------------------------------------------------------------------------


def _no_rollout() -> tuple[Line, ...]:
    return (
        line("No rollout has begun in any environment."),
        line(
            muted("A promotion begins one where lockgate.toml gives the environment steps: "),
            Part("lockgate promote rN --to ENV", "key"),
        ),
    )


def _head(scene: Scene, now: RolloutStatus, rollout: Rollout) -> Iterator[Line]:
    mark = STATE[rollout.state]
    state = mark.text + (f" ({rollout.pause})" if rollout.pause else "")
    others = [name for name in scene.environments if name != now.environment]
    yield line(
        Part(state, mark.tone),
        "   ",
        Part(rollout.release, "strong"),
        f" against {rollout.stable} in ",
        Part(now.environment, "strong"),
        muted(f"   for {age(now.at, rollout.since)}"),
        muted(f"   e: {', '.join(others)}" if others else ""),
    )
    yield line(_meaning(now, rollout))


def _meaning(now: RolloutStatus, rollout: Rollout) -> str:
    if rollout.state == "pending":
        return "Nobody is served it yet: a controller begins the first step (`lockgate watch`), or `a`."
    reason = _sentence(rollout.reason)
    if rollout.state == "succeeded" and rollout.watch_until is not None:
        return f"Serves everybody. Triggers still act for {span(rollout.watch_until - now.at)}."
    if not rollout.active:
        return reason or "It is over."
    if rollout.state == "progressing":
        return f"Waits for {now.waits_for}." if now.waits_for else "The step has what it waits for."
    return f"{reason} Waits for {now.waits_for}." if now.waits_for and now.waits_for not in reason else reason


def _sentence(text: str) -> str:
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if not text or text.endswith((".", "!", "?")) else ".")


def _alarm(now: RolloutStatus) -> str:
    if now.kill is not None:
        return f"everybody is sent to stable ({now.kill.reason}); the record of it is not written yet"
    if now.killed_by_hand is not None:
        return f"a kill file that a person wrote keeps users on stable ({now.killed_by_hand})"
    if now.unattended:
        since = f"for {age(now.at, now.heartbeat.at)}" if now.heartbeat.at else "yet"
        falls = ", or clients fall back to stable" if now.rollout is not None and now.rollout.percent else ""
        return f"no controller has looked {since}: run `lockgate watch`{falls}"
    if now.trouble:
        return f"the evidence cannot be read: {now.trouble}"
    if now.frozen:
        return now.frozen
    if now.problems:
        return " ".join(now.problems)
    if now.sight.observed.flagged:
        return "an answer was flagged as harmful: nothing moves until a second grader confirms or clears it"
    analysis = now.sight.analysis
    return " ".join(analysis.alerts) if analysis is not None else ""


# -- the ladder ------------------------------------------------------------------------------------


def _steps(now: RolloutStatus, rollout: Rollout) -> Iterator[Row]:
    for place, step in enumerate(rollout.policy.steps):
        yield Row(f"step/{place}", _step(now, rollout, place, step))
    watched = rollout.watch_until
    if rollout.policy.watch_days:
        is_on = watched is not None and rollout.state == "succeeded"
        left = f"{span(watched - now.at)} left" if is_on and watched is not None else ""
        mark = Part("▶ ", "accent") if is_on else Part("· ", "muted")
        length = span(timedelta(days=rollout.policy.watch_days))
        name = Part(f"watch for {length}", "strong" if is_on else "muted")
        yield Row("watch", (line(mark, name), line(left), (), ()))


def _step(now: RolloutStatus, rollout: Rollout, place: int, step: Step) -> tuple[Line, ...]:
    is_here = place == rollout.step and rollout.active
    is_done = place < rollout.step or (place == rollout.step and rollout.state == "succeeded")
    tone: Tone = "strong" if is_here else "plain" if is_done else "muted"
    symbol: Part
    if is_here:
        symbol = Part("▶ " if rollout.state == "progressing" else "‖ ", "accent")
    elif place == rollout.step and not is_done:
        symbol = Part(f"{STATE[rollout.state].symbol} ", STATE[rollout.state].tone)
    else:
        symbol = Part("✓ ", "good") if is_done else Part("· ", "muted")
    seen = now.sight.observed
    return (
        line(symbol, Part(f"{place + 1}  {told(step)}", tone)),
        _progress(seen.healthy_minutes if is_here else None, step.hold_minutes, is_done),
        _progress(seen.scored if is_here else None, step.min_scored, is_done),
        approval_cell(rollout, place, step),
    )


def _progress(have: int | None, wanted: int, is_done: bool) -> Line:
    """ "12 of 1,440 ▓░░░░", or what is wanted."""
    if not wanted:
        return line(muted("–"))
    if have is None:
        return line(muted(f"{wanted:,}")) if not is_done else line(muted(f"{wanted:,} ✓"))
    filled = min(5, 5 * have // wanted)
    bar = "▓" * filled + "░" * (5 - filled)
    tone: Tone = "good" if have >= wanted else "accent"
    return line(f"{min(have, wanted):,} of {wanted:,} ", Part(bar, tone))


def approval_cell(rollout: Rollout, place: int, step: Step) -> Line:
    """Who said yes to the step at `place`, and of how many; whoever made the release does not count."""
    if not step.approval:
        return line(muted("–"))
    author = rollout.author.email if rollout.author else ""
    given = [one.by for one in rollout.approvals if one.step == place and one.by.email != author]
    names = ", ".join(dict.fromkeys(one.name for one in given))
    if given and approved(rollout, place):
        return line(Part("✓ ", "good"), names)
    is_next = place == rollout.step + 1 and rollout.active
    count = f"{len({one.email for one in given})} of {rollout.approvals_wanted}"
    return line(Part(f"? {f'{count}: {names}' if given else 'wanted'}", "warn" if is_next else "muted"))


# -- the metrics -----------------------------------------------------------------------------------


def _metrics(scene: Scene) -> Iterator[Row]:
    for one in findings_of(scene):
        mark = OUTCOME[one.outcome]
        samples = f"{one.canary_samples:,}" + (f" / {one.control_samples:,}" if one.control_samples else "")
        yield Row(
            one.metric,
            (
                mark.line(),
                line(Part(metric_name(one.metric), "strong")),
                line(f"{number(one.metric, one.canary):>8}"),
                line(muted(f"{number(one.metric, one.control):>8}")),
                picture(interval_of(one), PICTURE_CELLS, mark.tone),
                line(f"{threshold_text(one):>9}"),
                line(muted(f"{samples:>13}")),
                line(one.reason),
            ),
        )


def _no_metric(rollout: Rollout) -> str:
    return "nothing is measured before the first step" if rollout.step < 0 else "nothing is measured yet"


# -- how it came there -----------------------------------------------------------------------------


def _records(scene: Scene, now: RolloutStatus) -> Table:
    rows = tuple(
        Row(
            record.id,
            (
                line(muted(stamp(now.at, record.at))),
                kind_mark(record.kind).line(),
                line(muted(record.by.name)),
                line(record.why or record.summary, muted(_took_the_place(record))),
            ),
        )
        for record in scene.records
    )
    return Table(_RECORD_COLUMNS, rows)


def _took_the_place(record: Operation) -> str:
    return f"   {ending(record.ended)}" if record.ended is not None and record.why else ""
