"""A judge's replies are believed only when they are exactly a vote, and votes are counted as votes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.cache import AnswerCache
from evals.judge.asking import DATA_LIMIT, Asked
from evals.judge.judging import Judge
from evals.judge.reply import BadVote, read_vote
from evals.judge.scale import Scale, settle
from evals.models.endpoint import Endpoint, EndpointError
from tests.evals.judge_script import NAME, PIN, QUICK, read
from tests.evals.server import FaultServer

FENCE = "f" * 48
ASKED = Asked("The answer is right.", "?", "x")
SCORED = Asked("The answer is right.", "?", "x", scale="1-5")


def said(**more: Any) -> str:
    return json.dumps({"fence": FENCE, "verdict": True, "reason": "so", **more})


def test_a_good_reply_is_a_vote() -> None:
    assert read_vote(said(), FENCE, "boolean").value == 1
    assert read_vote(f" {said(verdict=False)}\n", FENCE, "boolean").value == 0
    for score in range(1, 6):
        reply = json.dumps({"fence": FENCE, "score": score, "reason": ""})
        assert read_vote(reply, FENCE, "1-5").value == score


@pytest.mark.parametrize(
    ("reply", "scale"),
    [
        (said(fence="e" * 48), "boolean"),
        (said(fence=FENCE.upper()), "boolean"),
        (said(fence=FENCE + " "), "boolean"),
        (said(fence=""), "boolean"),
        (said(fence=None), "boolean"),
        (said(fence="\ud800"), "boolean"),
        (json.dumps({"verdict": True, "reason": "so"}), "boolean"),
        (json.dumps({"fence": FENCE, "verdict": True}), "boolean"),
        (said(verdict=1), "boolean"),
        (said(verdict="true"), "boolean"),
        (said(verdict=None), "boolean"),
        (said(score=5), "boolean"),
        (said(extra=1), "boolean"),
        (said(reason=5), "boolean"),
        (said(reason="x" * 4_001), "boolean"),
        (said(), "1-5"),
        (json.dumps({"fence": FENCE, "score": 0, "reason": ""}), "1-5"),
        (json.dumps({"fence": FENCE, "score": 6, "reason": ""}), "1-5"),
        (json.dumps({"fence": FENCE, "score": 4.0, "reason": ""}), "1-5"),
        (json.dumps({"fence": FENCE, "score": True, "reason": ""}), "1-5"),
        (json.dumps({"fence": FENCE, "score": float("nan"), "reason": ""}), "1-5"),
        (said()[:-1] + ', "verdict": false}', "boolean"),
        (said()[:-1] + f', "fence": "{FENCE}"}}', "boolean"),
        (f"```json\n{said()}\n```", "boolean"),
        (f"Here you are: {said()}", "boolean"),
        (said() + said(), "boolean"),
        (f"[{said()}]", "boolean"),
        (said()[:-1], "boolean"),
        ("", "boolean"),
        ("true", "boolean"),
        ("[" * 20_000, "boolean"),
        ("{" + " " * 20_000 + said()[1:], "boolean"),
        ("\ud800", "boolean"),
    ],
)
def test_anything_else_is_none(reply: str, scale: Scale) -> None:
    with pytest.raises(BadVote):
        read_vote(reply, FENCE, scale)


@given(st.text(max_size=200) | st.text(st.characters(codec=None), max_size=50))
def test_no_words_without_the_fence_are_a_vote(text: str) -> None:
    for reply in (text, said(fence=text), said(reason=text, fence=text)):
        with pytest.raises(BadVote):
            read_vote(reply, FENCE, "boolean")


@pytest.mark.parametrize(
    ("votes", "scale", "value"),
    [
        ([1], "boolean", 1), ([0], "boolean", 0), ([None], "boolean", None),
        ([1, 0, 1], "boolean", 1), ([1, 0, 0], "boolean", 0), ([1, 1, None], "boolean", 1),
        ([1, 0, None], "boolean", None), ([0, None, 0], "boolean", 0), ([1, None, None], "boolean", None),
        ([1, 1, 1, 0, 0], "boolean", 1), ([1, 1, 1, None, None], "boolean", 1),
        ([1, 5, 2], "1-5", 2), ([4, 4, 5], "1-5", 4), ([5, 5, None], "1-5", 5), ([4, 5, None], "1-5", None),
        ([1, 2, 3, 4, 5], "1-5", 3), ([1, 2, 3, 3, None], "1-5", None), ([3, 3, 3, 1, None], "1-5", 3),
    ],
)  # fmt: skip
def test_the_majority_and_the_median(votes: list[int | None], scale: Scale, value: int | None) -> None:
    assert settle(votes, scale) == value


@pytest.mark.parametrize("votes", [[], [1, 1], [2], [-1]])
def test_votes_that_cannot_be_counted(votes: list[int | None]) -> None:
    with pytest.raises(ValueError, match="odd number of votes"):
        settle(votes, "boolean")


@given(st.lists(st.integers(1, 5), min_size=1, max_size=9).filter(lambda v: len(v) % 2 == 1), st.data())
def test_a_missing_vote_never_makes_up_an_outcome(votes: list[int], data: st.DataObject) -> None:
    hidden = data.draw(st.sets(st.integers(0, len(votes) - 1)))
    seen = [None if place in hidden else vote for place, vote in enumerate(votes)]
    assert settle(seen, "1-5") in (None, settle(list(votes), "1-5"))


def replies(*values: Any) -> Callable[[dict[str, Any]], str]:
    """A judge that gives `values` one after the other; a text is replied as it is."""
    given = iter(values)

    def answer(body: dict[str, Any]) -> str:
        value = next(given)
        if isinstance(value, str):
            return value
        key = "verdict" if isinstance(value, bool) else "score"
        return json.dumps({"fence": read(body)[0], key: value, "reason": f"said {value}"})

    return answer


async def judged(server: FaultServer, asked: Asked, votes: int, **more: Any) -> Any:
    async with Endpoint(PIN, server.url(more.pop("fault", "ok")), limits=QUICK, identity="same") as endpoint:
        # One at a time: the script's order is the votes' order.
        return await Judge(NAME, endpoint, more.pop("cache", None), concurrency=1).judge(asked, votes, **more)


async def test_votes_are_counted_and_told() -> None:
    with FaultServer(answer=replies(True, False, True)) as server:
        found = await judged(server, ASKED, 3)
    assert (found.value, found.votes, found.told) == (1, (1, 0, 1), "yes, 2 of 3 votes")
    assert found.reason == "said True"
    with FaultServer(answer=replies(2, 5, 4)) as server:
        found = await judged(server, SCORED, 3)
    assert (found.value, found.told, found.reason) == (4, "4 of 5, 1 of 3 votes", "said 4")


async def test_a_reply_that_cannot_be_read_is_asked_for_once_more_with_another_fence() -> None:
    with FaultServer(answer=replies("no", True)) as server:
        assert (await judged(server, ASKED, 1)).value == 1
        fences = [read(one.body)[0] for one in server.requests]
    assert len(set(fences)) == 2


async def test_a_vote_that_cannot_be_had_is_none_and_never_a_no() -> None:
    with FaultServer(answer=replies("no", "no")) as server:
        found = await judged(server, ASKED, 1)
    assert found.value is None and "not valid JSON" in found.reason
    with FaultServer(answer=replies(True, "no", "no", True)) as server:
        found = await judged(server, ASKED, 3)
    assert (found.value, found.votes) == (1, (1, None, 1))
    with FaultServer() as server:
        found = await judged(server, ASKED, 3, fault="500")
    assert found.value is None and "status 500" in found.reason


async def test_an_endpoint_that_will_answer_nothing_is_said_at_once() -> None:
    with FaultServer() as server, pytest.raises(EndpointError, match="refused the key"):
        await judged(server, ASKED, 3, fault="401")


async def test_too_much_to_judge_is_not_judged() -> None:
    with FaultServer() as server:
        found = await judged(server, Asked("r", "?", "x" * DATA_LIMIT), 3)
        assert found.value is None and "at most 100,000" in found.reason
        assert server.requests == []


async def test_votes_are_kept_by_their_number_and_failures_are_not(tmp_path: Path) -> None:
    said = replies(True, False, True, "no", "no", True, True, True, False, False, False, True)
    with FaultServer(answer=said) as server, AnswerCache(tmp_path / "evals.sqlite") as cache:
        first = await judged(server, ASKED, 3, cache=cache)
        again = await judged(server, ASKED, 3, cache=cache)
        assert first.votes == again.votes == (1, 0, 1)
        assert again.reason == first.reason and len(server.requests) == 3
        # The second repeat has votes of its own; one of them cannot be had, and is asked for again.
        assert (await judged(server, ASKED, 3, cache=cache, repeat=2)).votes == (None, 1, 1)
        assert (await judged(server, ASKED, 3, cache=cache, repeat=2)).votes == (1, 1, 1)
        assert len(server.requests) == 8
        assert (await judged(server, ASKED, 3, cache=cache, fresh=True)).votes == (0, 0, 0)
        other = Asked(ASKED.rubric, ASKED.question, "y")
        assert (await judged(server, other, 1, cache=cache)).votes == (1,)
        assert len({read(one.body)[0] for one in server.requests}) == len(server.requests)


async def test_what_is_kept_holds_no_fence(tmp_path: Path) -> None:
    with FaultServer(answer=replies(3)) as server, AnswerCache(tmp_path / "evals.sqlite") as cache:
        assert (await judged(server, SCORED, 1, cache=cache)).value == 3
        fence = read(server.requests[0].body)[0]
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert fence.encode() not in kept
    assert re.search(rb"said 3", kept)
