"""What a suite's judge can carry before anybody has asked it: from its cases and labels alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from evals.graders.base import Yields
from evals.graders.judge import Judged
from evals.judge.agreement import KAPPA, LABELLED_CASES
from evals.judge.labels import Label
from evals.judge.measuring import labelled, labelled_cases
from store.text import one_line

if TYPE_CHECKING:
    from evals.case import Case

_WORDS: dict[Yields, str] = {"verdict": "yes and no", "score": "1 to 5"}


def judged_coverage(
    selected: Sequence[Case], cases: Sequence[Case], labels: Sequence[Label]
) -> tuple[str, ...]:
    """One sentence per kind of judgement in `selected`: whether the judge can come to count.

    `cases` are all cases of the suite, which `labels` are about.
    """
    judged = [(case, spec) for case in selected for spec in case.expect if isinstance(spec, Judged)]
    sentences = []
    for kind in sorted({spec.yields for _, spec in judged}):
        known = labelled_cases(labelled(labels, cases, kind))
        alone = sorted({one_line(case.category, 60) for case, _ in judged if _needs(case, kind)})
        affected = f"; {', '.join(alone)} cannot gate by its word" if alone else ""
        if known < LABELLED_CASES:
            sentences.append(
                f"the judge ({_WORDS[kind]}) only warns until people have labelled {LABELLED_CASES} cases; "
                f"{known} are{affected}."
            )
        else:
            sentences.append(
                f"the judge ({_WORDS[kind]}) counts in a run that finds it to agree with people, "
                f"κ ≥ {KAPPA:g}, on {known} labelled cases."
            )
    return tuple(sentences)


def _needs(case: Case, kind: Yields) -> bool:
    """Whether nothing but a judge of this kind grades the case."""
    return all(isinstance(spec, Judged) and spec.yields == kind for spec in case.expect)
