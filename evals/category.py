"""What was measured for one category of a suite: what the gate judges."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from evals.statistics import SLACK, Scores, repeats_of
from store.records.versions import CategoryPolicy
from store.text import one_line

STATISTICAL_CASES = 50
"""From here on a category is compared as a whole; below, any confirmed regression blocks."""
GATING_CASES = 10
"""Below this a category cannot carry the gate."""


@dataclass(frozen=True, slots=True)
class CategoryScores:
    """Everything that was measured for one category of one suite."""

    name: str
    suite: str
    """`evals/name`."""
    policy: CategoryPolicy
    candidate: Scores
    """The release's scores; a case whose answers all failed has none or is absent."""
    baseline: Scores | None
    """None where there is no baseline release: the first one."""
    errors: int
    """Answers of both arms that machinery failed to give."""
    expected: int
    """Cases that the category has in this tier."""
    must_pass: Collection[str] = frozenset()
    """Content hashes."""
    deterministic: bool = False
    """True only where a stored A/A run showed that neither arm varies."""
    titles: Mapping[str, str] = field(default_factory=dict)
    """What people call a case, by content hash: its id."""

    @property
    def key(self) -> tuple[str, str]:
        """(suite, name)."""
        return self.suite, self.name

    @property
    def shown(self) -> str:
        """The name as sentences write it."""
        return one_line(self.name, 100)

    @property
    def repeats(self) -> int:
        """How often it was run: of the arm with fewer."""
        ours = repeats_of(self.candidate)
        return ours if self.baseline is None else min(ours, repeats_of(self.baseline))

    @property
    def scored(self) -> int:
        """Cases that every arm has a score of."""
        return sum(bool(one) and self._in_baseline(case) for case, one in self.candidate.items())

    @property
    def is_complete(self) -> bool:
        """Whether exactly the expected cases are scored, in every arm."""
        known = {*self.candidate, *(self.baseline or {}), *self.must_pass}
        return self.scored == self.expected == len(known)

    @property
    def is_steady(self) -> bool:
        """Whether nothing varies: so it was shown, and these repeats do not say otherwise."""
        repeats = [*self.candidate.values(), *(self.baseline or {}).values()]
        return self.deterministic and all(max(one) - min(one) <= SLACK for one in repeats if one)

    def title(self, case: str) -> str:
        """What a sentence calls the case."""
        return one_line(self.titles.get(case, case[:12]), 80)

    def _in_baseline(self, case: str) -> bool:
        return self.baseline is None or bool(self.baseline.get(case))
