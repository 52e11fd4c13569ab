"""Scores and flags from here beside evidence from elsewhere."""

from __future__ import annotations

from evals.live.evidence import Evidence, HarmfulFlag, Minute, Score, Stage, Window
from evals.live.graded_here import GradedHere

WINDOW = Window("production", "r2", "r1", (Stage(7, 5.0),))


class Fixed:
    """A source that always says the same."""

    def __init__(self, found: Evidence) -> None:
        self.found = found

    def evidence(self, window: Window, now: float) -> Evidence:  # noqa: ARG002
        return self.found

    def stable_p99(self, environment: str, release: str, now: float, hours: float = 24.0) -> float | None:  # noqa: ARG002
        return None if self.found.newest is None else hours


ELSEWHERE = Evidence(
    minutes=(Minute(1, "canary", 0, 5, 0),),
    scores=(Score(60.0, "canary", 0, 0.5, count=3), Score(61.0, "control", 0, 1.0)),
    flags=(HarmfulFlag("prometheus:1", 65.0, None),),
    newest=70.0,
    notes=("told",),
)
HERE = Evidence(
    minutes=(Minute(1, "canary", 0, 9, 9),),
    scores=(Score(62.0, "canary", 0, 0.25),),
    flags=(HarmfulFlag("r-1", 61.0, True),),
    newest=99.0,
    dropped=4,
    notes=("not told",),
)


def test_scores_from_here_stand_in_for_the_reported_ones_and_flags_of_both_count() -> None:
    source = GradedHere(Fixed(ELSEWHERE), Fixed(HERE))
    found = source.evidence(WINDOW, 100.0)
    assert found.scores == HERE.scores, "an answer that was scored twice counts once"
    assert [flag.request_id for flag in found.flags] == ["r-1", "prometheus:1"]
    assert (found.minutes, found.newest, found.dropped) == (ELSEWHERE.minutes, 70.0, 0)
    assert found.notes[0] == "told" and found.notes[1].startswith("4 reported scores are left out")
    assert source.stable_p99("production", "r1", 100.0, 3.0) == 3.0


def test_where_nothing_was_graded_here_the_reported_scores_count() -> None:
    found = GradedHere(Fixed(ELSEWHERE), Fixed(Evidence(notes=("there is no file yet",)))).evidence(
        WINDOW, 1.0
    )
    assert found == ELSEWHERE
