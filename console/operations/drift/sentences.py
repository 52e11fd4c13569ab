"""What a drift report says in words, before its tables."""

from __future__ import annotations

from console.operations.drift.report import DriftReport

NOTHING = "No result in these weeks: `lockgate eval` commits verdicts, and they make this report."


def sentences(now: DriftReport) -> tuple[str, ...]:
    """Where the checks of each model stand, then every incident with what to do."""
    found = []
    for one in now.watches:
        state = "drifted" if one.drifted else f"evidence {one.e_value:.3g} of 100"
        found.append(f"{one.pin}: {state} after {one.checks} checks since {one.since:%Y-%m-%d}")
    if not now.watches:
        found.append("no model here is watched: `lockgate drift baseline MODEL@vN` begins it")
    for incident in now.incidents:
        cause = "it called itself by another name" if incident.cause == "name" else "its answers changed"
        found.append(f"{incident.at:%Y-%m-%d} {incident.model} drifted: {cause}; {incident.ours_said}")
        found.append(incident.suite_said)
        found.extend(incident.advice)
    return tuple(found)


def weeks_as_data(now: DriftReport) -> list[dict[str, object]]:
    """A row for each category and week, for files."""
    return [
        {
            "suite": line.suite,
            "category": line.category,
            "week": week.begins.date().isoformat(),
            "at": week.point.at.isoformat(),
            "release": week.point.release,
            "mean": week.point.mean,
            "low": week.low,
            "high": week.high,
            "cases": week.point.cases,
            "source": week.point.source,
            "changed": "; ".join(week.changed),
        }
        for line in now.lines
        for week in line.weeks
    ]
