"""A source of observations beside which answers are graded on this machine."""

from __future__ import annotations

from dataclasses import dataclass, replace

from evals.live.evidence import Evidence, ObservationSource, Window


@dataclass(frozen=True, slots=True)
class GradedHere:
    """What applications report elsewhere, with the scores and harmful flags of the worker here."""

    reported: ObservationSource
    graded: ObservationSource
    """observations.sqlite: of it only scores and flags are looked at."""

    def evidence(self, window: Window, now: float) -> Evidence:
        """What is known of `window` at `now` (seconds since 1970).

        Scores from here stand in for the reported ones as soon as there are any, because both may be of
        the same answers. Flags of both count: they are no statistics. Raises MachineryError where either
        cannot be read.
        """
        reported, graded = self.reported.evidence(window, now), self.graded.evidence(window, now)
        flags = sorted((*reported.flags, *graded.flags), key=lambda flag: (flag.at, flag.request_id))
        notes = reported.notes
        if graded.scores and reported.scores:
            left = sum(score.count for score in reported.scores)
            notes = (*notes, f"{left:,} reported scores are left out, because answers are graded here")
        return replace(reported, scores=graded.scores or reported.scores, flags=tuple(flags), notes=notes)

    def stable_p99(self, environment: str, release: str, now: float, hours: float = 24.0) -> float | None:
        """As the applications report it."""
        return self.reported.stable_p99(environment, release, now, hours)
