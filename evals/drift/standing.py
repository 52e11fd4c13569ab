"""Where the checks of one baseline stand."""

from __future__ import annotations

from dataclasses import dataclass

from evals.drift.accumulation import Evidence, accumulated


@dataclass(frozen=True, slots=True)
class Checked:
    """One check."""

    at: float
    """Seconds since 1970."""
    p: float | None
    returned: tuple[str, ...]
    strangers: tuple[str, ...]
    fingerprints: tuple[str, ...]
    failures: int


@dataclass(frozen=True, slots=True)
class Standing:
    """All checks on one baseline, and what they come to."""

    checks: tuple[Checked, ...]
    """In the order in which they were made."""
    evidence: Evidence

    @property
    def strangers(self) -> tuple[str, ...]:
        """Names that are not the pin's."""
        return tuple(sorted({name for one in self.checks for name in one.strangers}))

    @property
    def is_alarm(self) -> bool:
        """Whether the model changed: by its name, or by what it answers."""
        return bool(self.strangers) or self.evidence.is_alarm

    @property
    def last_at(self) -> float | None:
        """When the last check was made, whatever came of it."""
        return self.checks[-1].at if self.checks else None

    @property
    def quiet_at(self) -> float | None:
        """When the last check was made after which nothing spoke for a change."""
        counted = [one for one in self.checks if one.p is not None and not one.strangers]
        until = self.evidence.quiet_until
        return counted[until - 1].at if 0 < until <= len(counted) else None


def standing_of(checks: tuple[Checked, ...]) -> Standing:
    """What `checks`, in the order in which they were made, come to."""
    p_values = (one.p for one in checks if one.p is not None and not one.strangers)
    return Standing(checks, accumulated(p for p in p_values if 0 < p <= 1))
