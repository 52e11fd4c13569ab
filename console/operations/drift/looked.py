"""What one model's drift check came to, in words and figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from console.operations.drift.reading import Watched
from store.records.drift import DriftIncident
from store.records.operation import Operation

if TYPE_CHECKING:
    from evals.drift.standing import Standing


@dataclass(frozen=True, slots=True)
class Looked:
    """What one model's check came to."""

    environment: str
    pin: str
    """`model/name@vN`."""
    baseline: str
    outcome: Literal["quiet", "drift", "undecided"]
    said: str
    """One sentence."""
    p_value: float | None = None
    """Of this check."""
    e_value: float = 1.0
    """Of all checks on the baseline; 100 is an alarm."""
    checks: int = 0
    record: Operation | None = None
    """The incident's, where this check raised the alarm."""
    problems: tuple[str, ...] = ()


def quiet(one: Watched, standing: Standing, trouble: str) -> Looked:
    """A check that raised no alarm; `trouble` is why probes failed, where some did."""
    last, worth = standing.checks[-1], standing.evidence.e_value
    if last.p is None:
        why = trouble.rstrip(".") or f"{last.failures} failed"
        return undecided(
            one, f"too few probes were answered ({why}); they are due again in an hour", standing
        )
    said = f"nothing speaks for a change (p {last.p:.3g}, evidence {worth:.3g} of 100)"
    return _looked(one, "quiet", said, standing, p_value=last.p, e_value=worth)


def undecided(one: Watched, said: str, standing: Standing | None = None) -> Looked:
    """A check that says nothing."""
    return _looked(one, "undecided", said, standing, e_value=standing.evidence.e_value if standing else 1.0)


def drifted(
    one: Watched,
    standing: Standing,
    said: str,
    record: Operation | None = None,
    problems: tuple[str, ...] = (),
) -> Looked:
    """An alarm, now."""
    p_value = standing.checks[-1].p if standing.checks else None
    return _looked(one, "drift", said, standing, p_value, standing.evidence.peak, record, problems)


def known(one: Watched, incident: DriftIncident) -> Looked:
    """An alarm that was recorded before."""
    said = f"its drift was recorded on {incident.at:%Y-%m-%d} ({incident.id}); a new baseline ends it"
    return _looked(one, "drift", said, None, e_value=incident.e_value)


def _looked(
    one: Watched,
    outcome: Literal["quiet", "drift", "undecided"],
    said: str,
    standing: Standing | None,
    p_value: float | None = None,
    e_value: float = 1.0,
    record: Operation | None = None,
    problems: tuple[str, ...] = (),
) -> Looked:
    checks = len(standing.checks) if standing else 0
    pin, baseline = str(one.pin), one.baseline.id
    return Looked(one.environment, pin, baseline, outcome, said, p_value, e_value, checks, record, problems)
