"""Whether a judge agrees with people, beyond what chance alone would bring."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from fractions import Fraction

KAPPA = 0.8
"""The agreement from which on a judge's word may hold a release back."""
LABELLED_CASES = 30
"""Different cases that people have to have labelled."""


def kappa(pairs: Sequence[tuple[Hashable, Hashable]]) -> float | None:
    """Cohen's kappa of two raters: (p_o - p_e) / (1 - p_e), 1 for agreement, 0 for chance, down to -1.

    p_o is the share of pairs that are equal, p_e the share that two raters with these habits would
    have in common by chance: Σ over labels of the product of both raters' shares. After J. Cohen, "A
    coefficient of agreement for nominal scales", Educational and Psychological Measurement 20(1),
    1960, pages 37-46. None without pairs and where both only ever gave one and the same label: then
    nothing tells agreement from habit.
    """
    if not pairs:
        return None
    count = len(pairs)
    observed = Fraction(sum(one == other for one, other in pairs), count)
    first, second = Counter(one for one, _ in pairs), Counter(other for _, other in pairs)
    expected = sum((Fraction(first[label] * second[label], count * count) for label in first), Fraction(0))
    return None if expected == 1 else float((observed - expected) / (1 - expected))


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far a judge and people are of one mind."""

    cases: int
    """Different cases with labels that could be compared."""
    compared: int
    """Labelled answers that were."""
    disputed: int = 0
    """Labelled answers left out because people do not agree on them."""
    unjudged: int = 0
    """Labelled answers left out because the judge gave no judgement."""
    kappa: float | None = None

    @property
    def suffices(self) -> bool:
        """Whether the judge's word may hold a release back."""
        return self.cases >= LABELLED_CASES and self.kappa is not None and self.kappa >= KAPPA

    @property
    def sentence(self) -> str:
        """How it stands, without a full stop."""
        left = [f"{self.disputed} disputed"] if self.disputed else []
        left += [f"{self.unjudged} not judged"] if self.unjudged else []
        aside = f" ({', '.join(left)} left out)" if left else ""
        cases = f"{self.cases} of the {LABELLED_CASES} cases that people have to have labelled"
        if self.cases < LABELLED_CASES:
            return f"there are labels for {cases}{aside}"
        if self.kappa is None:
            return f"people and judge gave nothing but one label to {self.compared} answers{aside}"
        return (
            f"judge and people agree with κ = {self.kappa:.2f} on {self.compared} labelled answers{aside}, "
            f"{KAPPA:g} is needed"
        )
