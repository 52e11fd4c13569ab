"""What holds for the gate whatever was scored, and an independent account of its arithmetic."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from evals.gate import CategoryScores, decide, judge_categories, judge_category
from store.errors import InputError
from store.records.versions import CategoryPolicy

Arm = dict[str, list[float]]

Z = Fraction("1.6448536269514722")
SCORE = st.sampled_from([0.0, 0.0, 0.25, 0.5, 1.0, 1.0, 1.0, 1.0])


@st.composite
def runs(draw: st.DrawFn, cases: st.SearchStrategy[int] = st.integers(1, 90)) -> CategoryScores:
    """One category as a run may leave it: mostly right answers, a few others, any rule."""
    count = draw(cases)
    floor = draw(st.sampled_from([None, 0.5, 0.95]))
    return CategoryScores(
        name="relevance",
        suite="evals/support",
        policy=CategoryPolicy(
            name="relevance",
            margin=draw(st.sampled_from([0.0, 0.02, 0.1])),
            floor=floor,
            zero_tolerance=draw(st.booleans()),
        ),
        candidate=draw(arms(count)),
        baseline=draw(st.one_of(st.none(), arms(count), arms(count))),
        errors=0,
        expected=count,
        must_pass=draw(st.sampled_from([frozenset(), frozenset({"c0"})])),
        deterministic=draw(st.booleans()),
    )


@st.composite
def arms(draw: st.DrawFn, count: int) -> Arm:
    repeats = draw(st.sampled_from([1, 2, 3, 4, 6]))
    usual = draw(st.sampled_from([0.0, 0.5, 1.0, 1.0]))
    scores: Arm = {f"c{number}": [usual] * repeats for number in range(count)}
    odd = st.dictionaries(
        st.integers(0, count - 1), st.lists(SCORE, min_size=repeats, max_size=repeats), max_size=12
    )
    scores.update({f"c{number}": row for number, row in draw(odd).items()})
    return scores


def with_candidate(scores: CategoryScores, candidate: Arm) -> CategoryScores:
    return CategoryScores(
        scores.name, scores.suite, scores.policy, candidate, scores.baseline, scores.errors,
        scores.expected, scores.must_pass, scores.deterministic,
    )  # fmt: skip


def outcome(scores: CategoryScores) -> str:
    return judge_category(scores, 0.05, 10).outcome


@settings(max_examples=120, deadline=None)
@given(runs(), st.data())
def test_lowering_a_score_never_frees_a_block(scores: CategoryScores, data: st.DataObject) -> None:
    before = outcome(scores)
    candidate = {case: list(row) for case, row in scores.candidate.items()}
    for _ in range(data.draw(st.integers(1, 3))):
        case = data.draw(st.sampled_from(sorted(candidate)))
        repeat = data.draw(st.integers(0, len(candidate[case]) - 1))
        candidate[case][repeat] = data.draw(st.floats(0, candidate[case][repeat]))
    after = outcome(with_candidate(scores, candidate))
    assert not (before == "block" and after == "pass")


@settings(max_examples=120, deadline=None)
@given(runs(), st.data())
def test_fewer_cases_or_repeats_lost_to_errors_are_never_a_pass(
    scores: CategoryScores, data: st.DataObject
) -> None:
    lost = data.draw(st.sets(st.sampled_from(sorted(scores.candidate)), min_size=1))
    gone = data.draw(st.booleans())
    candidate = {
        case: [] if case in lost else list(row)
        for case, row in scores.candidate.items()
        if not (gone and case in lost)
    }
    assert outcome(with_candidate(scores, candidate)) != "pass"


@settings(max_examples=80, deadline=None)
@given(runs(), st.sampled_from([float("nan"), float("inf"), float("-inf"), -1e-9, 1.0000001]), st.data())
def test_a_number_that_is_no_score_is_never_judged(
    scores: CategoryScores, bad: float, data: st.DataObject
) -> None:
    candidate = {case: list(row) for case, row in scores.candidate.items()}
    candidate[data.draw(st.sampled_from(sorted(candidate)))][0] = bad
    with pytest.raises(InputError):
        judge_categories([scores, with_candidate(scores, candidate)], 0.05, 10)


@settings(max_examples=80, deadline=None)
@given(st.lists(runs(), min_size=1, max_size=4), st.integers(0, 40), st.integers(0, 2000))
def test_the_release_passes_only_when_every_category_does(
    categories: list[CategoryScores], errors: int, answers: int
) -> None:
    verdicts = judge_categories(categories, 0.05, 10)
    word, reasons = decide(verdicts, errors, answers)
    if word == "pass":
        assert {one.outcome for one in verdicts} == {"pass"}
        assert errors <= answers / 100 and answers > 0
        assert reasons == ()
    else:
        assert reasons
    assert (word == "block") == any(one.outcome == "block" for one in verdicts)


@settings(max_examples=120, deadline=None)
@given(st.lists(runs(), min_size=1, max_size=6))
def test_company_only_ever_softens_a_block_into_doubt(categories: list[CategoryScores]) -> None:
    alone = [outcome(one) for one in categories]
    together = [one.outcome for one in judge_categories(categories, 0.05, 10)]
    for before, after in zip(alone, together, strict=True):
        assert before == after or (before, after) == ("block", "inconclusive")


@settings(max_examples=80, deadline=None)
@given(st.integers(1, 8), st.integers(1, 5))
def test_the_margin_itself_passes_and_one_case_more_blocks(fifties: int, scale: int) -> None:
    """Where nothing varies; the margin is 2 % of n cases, for any n whose 2 % are whole cases."""
    count = 50 * fifties * scale
    baseline: Arm = {f"c{number}": [1.0] for number in range(count)}
    for failed, expected in ((count // 50, "pass"), (count // 50 + 1, "block")):
        candidate: Arm = {f"c{number}": [float(number >= failed)] for number in range(count)}
        scores = CategoryScores(
            "relevance", "evals/support", CategoryPolicy(name="relevance"), candidate, baseline, 0, count,
            deterministic=True,
        )  # fmt: skip
        assert outcome(scores) == expected


# -- an account in exact fractions, written from the formulas alone ---------------------------------


def exact_outcome(candidate: Arm, baseline: Arm, margin: Fraction, deterministic: bool) -> str | None:
    """The outcome by exact arithmetic; None within a hair of a limit, where rounding may decide."""
    count = len(candidate)
    pairs = Counter((tuple(candidate[case]), tuple(baseline[case])) for case in candidate)
    differences = [(_mean(ours) - _mean(theirs), times) for (ours, theirs), times in pairs.items()]
    mean_difference = sum((d * times for d, times in differences), Fraction(0)) / count
    r_c, r_b = (len(next(iter(side.values()))) for side in (candidate, baseline))
    varies = any(len(set(row)) > 1 for pair in pairs for row in pair)
    if deterministic and not varies:
        squared = Fraction(0)
    elif r_c == 1 or r_b == 1:
        squared = sum((d * d * times for d, times in differences), Fraction(1))
    else:
        squared = Fraction(1, 4) / r_c + Fraction(1, 4) / r_b
        for (ours, theirs), times in pairs.items():
            squared += times * (_variance(ours) / r_c + _variance(theirs) / r_b)
    # D + z·SE < −m  ⇔  −(D + m) > 0 and (D + m)² > z²·SE², and the mirror image for a pass.
    distance, reach = mean_difference + margin, Z * Z * squared / count**2
    if squared and abs(distance * distance - reach) < Fraction(1, 10**7):
        return None
    if distance < 0 and distance * distance > reach:
        return "block"
    return "pass" if distance >= 0 and distance * distance >= reach else "inconclusive"


def _mean(row: Sequence[float]) -> Fraction:
    return sum((Fraction(one) for one in row), Fraction(0)) / len(row)


def _variance(row: Sequence[float]) -> Fraction:
    centre = _mean(row)
    return sum(((Fraction(one) - centre) ** 2 for one in row), Fraction(0)) / (len(row) - 1)


@settings(max_examples=120, deadline=None)
@given(runs(st.integers(50, 200)))
def test_the_outcome_is_that_of_exact_arithmetic(scores: CategoryScores) -> None:
    assume(scores.baseline is not None)
    assert scores.baseline is not None
    policy = CategoryPolicy(name="relevance", margin=scores.policy.margin)
    candidate = {case: list(row) for case, row in scores.candidate.items()}
    baseline = {case: list(row) for case, row in scores.baseline.items()}
    plain = CategoryScores(
        "relevance", "evals/support", policy, candidate, baseline, 0, len(candidate),
        deterministic=scores.deterministic,
    )  # fmt: skip
    wanted = exact_outcome(candidate, baseline, Fraction(str(policy.margin)), scores.deterministic)
    assume(wanted is not None)
    assert outcome(plain) == wanted


# -- many more, cheaply, without shrinking ------------------------------------------------------------


def random_arm(chance: random.Random, count: int) -> Arm:
    repeats, wrong = chance.choice([1, 1, 3, 6]), chance.choice([0.0, 0.01, 0.05, 0.3])
    flaky = chance.choice([0.0, 0.0, 0.1])
    return {
        f"c{number}": [float(chance.random() > (0.5 if shaky else 0.0)) for _ in range(repeats)]
        if (shaky := chance.random() < flaky)
        else [float(chance.random() >= wrong)] * repeats
        for number in range(count)
    }


def test_thousands_of_random_runs() -> None:
    chance, seen = random.Random(20_260_301), Counter[str]()
    policy = CategoryPolicy(name="relevance")
    for _ in range(3000):
        count = chance.randint(50, 120)
        candidate, baseline = random_arm(chance, count), random_arm(chance, count)
        scores = CategoryScores(
            "relevance", "evals/support", policy, candidate, baseline, 0, count,
            deterministic=chance.random() < 0.3,
        )  # fmt: skip
        got = outcome(scores)
        wanted = exact_outcome(candidate, baseline, Fraction("0.02"), scores.deterministic)
        assert wanted is None or got == wanted
        case = f"c{chance.randrange(count)}"
        worse = outcome(with_candidate(scores, {**candidate, case: [0.0] * len(candidate[case])}))
        assert not (got == "block" and worse == "pass")
        del candidate[case]
        assert outcome(scores) != "pass"
        seen[got] += 1
    assert min(seen[word] for word in ("pass", "block", "inconclusive")) > 200
