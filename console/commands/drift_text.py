"""How drift checks and reports read: as text, as plain data, as a page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from console.commands.output import print_json, say, table
from console.operations.drift.looked import Looked
from console.operations.drift.reading import Watched
from console.operations.drift.report import DriftReport
from console.operations.drift.sentences import NOTHING, sentences
from store.text import one_line

if TYPE_CHECKING:
    from evals.drift.weekly import Line, Week

_MARK = {"quiet": "✓", "drift": "✗", "undecided": "?"}
_BAR = 20


def show_watched(found: Sequence[tuple[Watched, bool]], as_json: bool) -> None:
    """Which models have a baseline, and whether they are due."""
    rows = [
        {
            "model": str(one.pin),
            "environment": one.environment,
            "baseline": one.baseline.id,
            "mode": one.baseline.mode,
            "calls": len(one.baseline.prompts) * len(one.baseline.rounds),
            "every_hours": one.baseline.every_hours,
            "due": due,
            "incident": one.incident.id if one.incident else None,
        }
        for one, due in found
    ]
    if as_json:
        print_json({"dry_run": True, "models": rows})
        return
    for row in rows:
        state = "drifted, not asked" if row["incident"] else "due" if row["due"] else "not due yet"
        calls = 0 if row["incident"] else row["calls"]
        say(f"{row['model']} in {row['environment']}: {state}; a check asks for {calls} tokens")
    say("Dry run: nothing was asked.")


def checks_as_json(looked: Iterable[Looked]) -> dict[str, Any]:
    """Plain data."""
    return {
        "checks": [
            {
                "environment": one.environment,
                "model": one.pin,
                "baseline": one.baseline,
                "outcome": one.outcome,
                "said": one.said,
                "p_value": one.p_value,
                "e_value": one.e_value,
                "checks": one.checks,
                "record": one.record.id if one.record else None,
                "problems": list(one.problems),
            }
            for one in looked
        ]
    }


def show_checks(looked: Sequence[Looked]) -> None:
    """A line for each model."""
    if not looked:
        say("Nothing is due.")
    for one in looked:
        say(f"{_MARK[one.outcome]} {one.pin} in {one.environment}: {one.said}")
        if one.record is not None:
            say(f"  record {one.record.id}; `lockgate drift report --env {one.environment}` says what to do")
        for problem in one.problems:
            say(f"  ! {problem}")


def report_as_json(now: DriftReport) -> dict[str, Any]:
    """Plain data."""
    return {
        "environment": now.environment,
        "since": now.since.isoformat(),
        "at": now.at.isoformat(),
        "models": [
            {
                "model": one.pin,
                "baseline_at": one.since.isoformat(),
                "checks": one.checks,
                "e_value": one.e_value,
                "last": one.last.isoformat() if one.last else None,
                "drifted": one.drifted,
            }
            for one in now.watches
        ],
        "incidents": [one.model_dump(mode="json") for one in now.incidents],
        "categories": [
            {
                "suite": line.suite,
                "category": line.category,
                "weeks": [_week_as_json(week) for week in line.weeks],
            }
            for line in now.lines
        ],
    }


def _week_as_json(week: Week) -> dict[str, Any]:
    return {
        "week": week.begins.date().isoformat(),
        "at": week.point.at.isoformat(),
        "release": week.point.release,
        "mean": week.point.mean,
        "low": week.low,
        "high": week.high,
        "cases": week.point.cases,
        "source": week.point.source,
        "changed": list(week.changed),
    }


def show_report(now: DriftReport) -> None:
    """Text: models, incidents, then a table for each category."""
    say(f"{now.environment} since {now.since:%Y-%m-%d}")
    for sentence in sentences(now):
        say(f"  {sentence}")
    for line in now.lines:
        say()
        say(f"{line.suite} {line.category}")
        table(
            ("week", "mean", "95 %", "", "release", "from", "changed"),
            [(*_cells(week), _changed(week)) for week in line.weeks],
        )
    if not now.lines:
        say(NOTHING)


def report_as_markdown(now: DriftReport) -> None:
    """A page."""
    say(f"# Quality in {now.environment} since {now.since:%Y-%m-%d}\n")
    for sentence in sentences(now):
        say(f"- {_plain(sentence)}")
    for line in now.lines:
        _page(line)
    if not now.lines:
        say(NOTHING)


def _page(line: Line) -> None:
    say(f"\n## {_plain(line.suite)} {_plain(line.category)}\n")
    say("| week | mean | 95 % | release | from | changed |")
    say("|---|---|---|---|---|---|")
    for week in line.weeks:
        begins, mean, interval, _, release, source = _cells(week)
        say(f"| {begins} | {mean} | {interval} | {release} | {source} | {_plain(_changed(week))} |")


def _cells(week: Week) -> tuple[str, str, str, str, str, str]:
    point = week.point
    return (
        f"{week.begins:%Y-%m-%d}",
        f"{point.mean * 100:.1f}",
        f"{week.low * 100:.1f}–{week.high * 100:.1f}",
        "█" * round(point.mean * _BAR),
        point.release,
        point.source,
    )


def _changed(week: Week) -> str:
    return "; ".join(week.changed)


def _plain(text: str) -> str:
    """Without what Markdown would act on."""
    return "".join(f"\\{char}" if char in "|<>[]*_" else char for char in one_line(text, 2_000))
