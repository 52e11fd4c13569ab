"""Which cases are looked at."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.running.identity import APPLICATION_LASTS, lasting, run_id
from evals.running.selection import Selection, selected
from evals.suite import Suite, parse_suite
from store.errors import InputError

TAGS = ("chat", "login", "slow")


def suite(prefix: str = "a", toml: bytes = b"") -> Suite:
    lines = (
        {
            "id": f"{prefix}{number}",
            "input": f"question {prefix} {number}",
            "category": "safety" if number % 3 == 0 else "relevance",
            "tier": "smoke" if number < 6 else "extended" if number > 20 else "full",
            "tags": [tag for place, tag in enumerate(TAGS) if number % (place + 2) == 0],
            "expect": [{"grader": "contains", "any": ["yes"]}],
        }
        for number in range(24)
    )
    return parse_suite(
        {
            "suite.toml": toml + b'\n[[categories]]\nname = "relevance"\n[[categories]]\nname = "safety"\n',
            "cases.jsonl": "\n".join(map(json.dumps, lines)).encode(),
        },
        "evals/support@v1",
    )


A, B = suite("a"), suite("b")


def ids(found: Suite | None) -> list[str]:
    return [case.id for case in found.cases] if found else []


def test_of_one_field_any_counts_and_all_fields_have_to_agree() -> None:
    (found,) = selected([A], "full", Selection(categories=("safety",), tags=("chat", "slow")))
    assert ids(found) == ["a0", "a6", "a12", "a18"]
    (found,) = selected([A], "smoke", Selection(tags=("login",), limit=1))
    assert ids(found) == ["a0"]
    assert found is not None and found.categories("smoke") == ("safety",)


def test_a_suite_without_a_chosen_case_is_left_out() -> None:
    assert [ids(one) for one in selected([A, B], "full", Selection(cases=("b3",)))] == [[], ["b3"]]


def test_the_limit_is_each_suites() -> None:
    assert [len(ids(one)) for one in selected([A, B], "full", Selection(limit=5))] == [5, 5]


@given(
    st.sets(st.sampled_from(["safety", "relevance"])),
    st.sets(st.sampled_from(TAGS)),
    st.sampled_from(["smoke", "full", "extended"]),
    st.none() | st.integers(1, 30),
)
def test_what_is_chosen_is_of_the_tier_and_in_its_order(
    categories: set[str], tags: set[str], tier, limit: int | None
) -> None:
    try:
        (found,) = selected([A], tier, Selection(tuple(categories), tuple(tags), (), limit))
    except InputError:
        return
    order = [case.id for case in A.select(tier)]
    assert ids(found) == [one for one in order if one in set(ids(found))]
    assert 1 <= len(ids(found)) <= (limit or 30)
    for case in found.cases if found else ():
        assert not categories or case.category in categories
        assert not tags or tags & set(case.tags)


@pytest.mark.parametrize(
    ("selection", "said"),
    [
        (Selection(categories=("nope",)), r"no category 'nope': there are relevance, safety\."),
        (Selection(tags=("x\x1b[2J",)), r"no tag 'x␛\[2J': there are chat, login, slow"),
        (Selection(cases=("a23",)), r"the full tier has no case 'a23': there are a0, .*, …\."),
        (Selection(limit=0), "leaves no cases"),
        (Selection(cases=("a1",), tags=("slow",)), "no case of the full tier is all of: tag slow, case a1"),
    ],
)
def test_what_chooses_nothing_is_named(selection: Selection, said: str) -> None:
    with pytest.raises(InputError, match=said):
        selected([A], "full", selection)


def test_another_plan_is_another_run() -> None:
    def made(digests=("x", "y"), served=("s",), suites=None, tier="full", selection=None, fresh=False):
        named = suites or {"evals/a": A}
        return run_id(digests, served, named, tier, selection or Selection(), fresh=fresh)

    others = [
        made(digests=("y", "x")),
        made(digests=("x", None)),
        made(served=("t",)),
        made(suites={"evals/a": B}),
        made(suites={"evals/a": suite("a", b"repeats = [1, 3]")}),
        made(suites={"evals/a": A, "evals/b": B}),
        made(tier="smoke"),
        made(selection=Selection(limit=3)),
        made(fresh=True),
    ]
    assert made() == made() and len({made(), *others}) == len(others) + 1


def test_only_answers_of_an_application_grow_old() -> None:
    app = suite("c", b'target = "http"\nurl = "https://a.example/evals"\n')
    assert lasting({"evals/a": A}) is None
    assert lasting({"evals/a": A, "evals/c": app}) == APPLICATION_LASTS
