"""How alike two ranked lists of passages are."""

from __future__ import annotations

from collections.abc import Sequence

PERSISTENCE = 0.9
"""How likely a reader goes on to the next passage: the first three carry three quarters of the weight."""


def overlap_at(k: int, first: Sequence[str], second: Sequence[str]) -> float:
    """The share of the first `k` ids that both have, 0 to 1; of two empty lists 1.

    Out of as many as the longer one has within k, so that a list that lacks some loses for it.
    """
    one, other = set(first[:k]), set(second[:k])
    most = max(len(one), len(other))
    return len(one & other) / most if most else 1.0


def rank_biased_overlap(first: Sequence[str], second: Sequence[str], p: float = PERSISTENCE) -> float:
    """Rank-biased overlap, extrapolated, 0 to 1: lists that agree at the top are alike. Of two empty lists 1.

    W. Webber, A. Moffat, J. Zobel, "A similarity measure for indefinite rankings", ACM TOIS 28(4), 2010,
    equation 30, to the depth of the longer list. What was retrieved ends where it ends: the passages that the
    shorter list lacks count as disagreement, not as unseen.
    """
    one, other = list(dict.fromkeys(first)), list(dict.fromkeys(second))
    depth = max(len(one), len(other))
    if not depth:
        return 1.0
    agreed = [len(set(one[:d]) & set(other[:d])) / d for d in range(1, depth + 1)]
    total = sum(agreement * p ** (d - 1) for d, agreement in enumerate(agreed, 1))
    return min(1.0, (1 - p) * total + agreed[-1] * p**depth)
