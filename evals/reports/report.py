"""What a report tells of a run, whatever the format: the verdict, its categories, the flips, cost and noise.

Every text in it may be foreign (models, cases, suites, documents): each format makes it harmless itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Word = Literal["pass", "block", "inconclusive", "error", "look", "unfinished", "nothing to run"]
"""How a run came out. `error`: machinery failed. `look`: some cases only. `unfinished`: it has no end.
`nothing to run`: no release was to be compared."""
CategoryWord = Literal["pass", "block", "inconclusive", "only warns", "too few", "so far"]
"""`only warns`: its judge may not block yet. `too few`: fell, but cannot gate. `so far`: nobody decided."""


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two releases."""

    release: str
    digest: str = ""
    """`sha256:…`; empty where only the name is known."""
    components: tuple[tuple[str, str], ...] = ()
    """(`kind/name`, version)."""


@dataclass(frozen=True, slots=True)
class Category:
    """One category, candidate against baseline. Scores are means in [0, 1], differences are shares."""

    suite: str
    name: str
    word: CategoryWord
    candidate: float | None
    baseline: float | None
    difference: float | None
    """D: the mean over the cases of candidate minus baseline."""
    low: float | None
    high: float | None
    margin: float
    cases: int
    repeats: int
    reason: str
    needs_repeats: int | None = None
    """For inconclusive: repeats that would decide."""


@dataclass(frozen=True, slots=True)
class Passage:
    """One passage that the answer was given."""

    id: str
    source: str
    text: str


@dataclass(frozen=True, slots=True)
class Answered:
    """One release's answer to a case, and its grades."""

    score: float
    """The mean over the repeats, in [0, 1]."""
    scores: tuple[float, ...]
    """Of each repeat; empty where only the mean was kept."""
    text: str
    reasons: tuple[str, ...]
    """One sentence for each grader."""
    passages: tuple[Passage, ...] = ()
    refused_by: str | None = None
    """The guardrail rule that refused."""


@dataclass(frozen=True, slots=True)
class FlippedCase:
    """A case whose score changed."""

    suite: str
    case: str
    category: str
    category_word: str
    tags: tuple[str, ...]
    question: str
    before: Answered
    after: Answered

    @property
    def change(self) -> float:
        """After minus before: the lower, the worse."""
        return self.after.score - self.before.score

    @property
    def way(self) -> Literal["worse", "better"]:
        """Which way it went."""
        return "worse" if self.change < 0 else "better"


@dataclass(frozen=True, slots=True)
class Cost:
    """What the run took. None is not known."""

    cases: int
    answers: int
    """Answers with a score, both releases, all repeats."""
    errors: int
    """Answers that machinery failed to give."""
    cached: int | None = None
    """Of the answers, those that an earlier run had asked for."""
    prompt_tokens: int | None = None
    """Of the answers that were asked for now; those of a judge are not in it."""
    completion_tokens: int | None = None
    usd: float | None = None
    """US dollars for these tokens, by the prices of settings.toml."""
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Noise:
    """How much one release's mean in a category varies from run to run, by the repeats of this run."""

    suite: str
    category: str
    side: Literal["candidate", "baseline"]
    repeats: int
    spread: float
    """Standard deviation of the category's mean, as a share."""
    steady: bool
    """Whether every repeat was answered word for word the same."""


@dataclass(frozen=True, slots=True)
class Report:
    """The whole of it."""

    word: Word
    at: datetime
    candidate: Side
    baseline: Side | None
    tier: str
    reasons: tuple[str, ...]
    """One sentence for each thing that is not a pass."""
    categories: tuple[Category, ...]
    flips: tuple[FlippedCase, ...]
    """The worst first."""
    cost: Cost
    noise: tuple[Noise, ...] = ()
    digests: tuple[tuple[str, str], ...] = ()
    """(what, `sha256:…`): suites, graders, judge and policy that the verdict is bound to."""
    verdict: str | None = None
    """The id of the verdict, where there is one."""
    more_flips: int = 0
    """Flipped cases that are not told."""

    @property
    def worse(self) -> tuple[FlippedCase, ...]:
        """The flips for the worse."""
        return tuple(flip for flip in self.flips if flip.way == "worse")
