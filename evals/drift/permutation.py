"""Was today's sample drawn from the same as all before it? A permutation test over whole rounds.

H0: the rounds of the baseline and of all checks since are exchangeable. Then today's rounds are any of the
rounds, and the share of all choices of as many rounds that differ from the rest at least as much as
today's do is a p-value, whatever is measured (R. A. Fisher 1935; on the mean of logprobs: Chauvin et al.,
arXiv 2512.03816). Rounds are permuted whole: prompts of one round may depend on each other.

Today is compared with the baseline AND all checks before, not with the baseline alone: given which rounds
there are up to today and all that comes later, today's are a uniformly random choice of them, and the
p-values before depend only on the order of the rest. So each p-value is (at least) uniform given all later
ones, which makes them jointly as good as independent: they may be multiplied (V. Vovk, "Testing randomness
online", arXiv 1906.09256). Against one and the same baseline they would all share its luck.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from evals.drift.calls import Round
from evals.drift.sampling import Mode

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, numpy.dtype[numpy.float64]]

DRAWS = 19_999
"""Random choices at most: the smallest p-value is 1/20,000."""
ENOUGH = 200
"""So many choices that differ as much, and no more are drawn: p is then this over the number drawn (Besag,
Clifford, "Sequential Monte Carlo p-values", Biometrika 78, 1991), which is a p-value too."""
TOLERANCE = 0.01
"""Nats. A mean logprob that moves less is taken for rounding on other hardware, and never for a change."""
_VOCABULARY = 20
"""Tokens of a prompt that are compared: those most often seen."""
_CELLS = 1_000_000
"""Random numbers drawn at once."""
_EVEN = 1e-9


def p_value(mode: Mode, earlier: Sequence[Round], today: Sequence[Round], seed: int) -> float:
    """The p-value of `today` against `earlier`, neither empty. `seed` only chooses the permutations.

    The statistic is the sum over prompts and tokens of |mean today − mean of the rest|: of logprobs, less
    the tolerance, or of how often the token came first (twice the total variation distance).
    """
    import numpy

    values = features(mode, (*earlier, *today))
    tolerance = TOLERANCE if mode == "logprobs" else 0.0
    size, chosen = len(values), len(today)
    total = values.sum(axis=0)
    seen = float(_statistic(values[-chosen:].sum(axis=0)[None, :], total, chosen, size, tolerance)[0])
    random = numpy.random.default_rng(seed)
    drawn = reached = 0
    while drawn < DRAWS:
        count = min(max(1, _CELLS // size), DRAWS - drawn, 2_000 if drawn else 2 * ENOUGH)
        picks = random.random((count, size)).argpartition(chosen - 1, axis=1)[:, :chosen]
        hits = _statistic(values[picks].sum(axis=1), total, chosen, size, tolerance) >= seen - _EVEN
        if reached + int(hits.sum()) >= ENOUGH:
            last = int(numpy.flatnonzero(hits)[ENOUGH - reached - 1]) + 1
            return ENOUGH / (drawn + last)
        reached += int(hits.sum())
        drawn += count
    return (1 + reached) / (1 + DRAWS)


def features(mode: Mode, rounds: Sequence[Round]) -> Array:
    """A row for each round: for every prompt and token of it the logprob, or 1 where it came first.

    Which tokens are compared depends on all rounds alike, so that no round is told from the others by it.
    A token that is not among a call's most likely ones is at most as likely as the last of them. Raises
    ValueError for damaged rounds: NaN would pass for the largest difference of all.
    """
    import numpy

    if any(len(one) != len(rounds[0]) or not all(one) for one in rounds):
        raise ValueError("rounds of different prompts cannot be compared")
    columns = []
    for prompt in range(len(rounds[0])):
        calls = [dict(one[prompt]) for one in rounds]
        seen = Counter(token for call in calls for token in call)
        tokens = sorted(seen, key=lambda token: (-seen[token], token))[:_VOCABULARY]
        for token in tokens:
            if mode == "tokens":
                columns.append([1.0 if token in call else 0.0 for call in calls])
            else:
                columns.append([call.get(token, min(call.values())) for call in calls])
    values: Array = numpy.asarray(columns, dtype=float).T
    if not numpy.isfinite(values).all():
        raise ValueError("a logprob is no number")
    return values


def _statistic(chosen_sums: Array, total: Array, chosen: int, size: int, tolerance: float) -> Array:
    import numpy

    difference = chosen_sums / chosen - (total - chosen_sums) / (size - chosen)
    moved: Array = numpy.maximum(numpy.abs(difference) - tolerance, 0.0).sum(axis=1)
    return moved
