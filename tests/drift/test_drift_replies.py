"""Replies to probes that no honest endpoint sends: each is a failure in one sentence, never a measurement."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.drift.probe import ProbeError, Prober
from evals.drift.reply import KEPT_TOPS, LEAST_LOGPROB, read_probe
from evals.models.reply import BadReply
from evals.models.retry import Limits
from store.bounded import read_toml, write_toml
from store.errors import InputError
from store.records.drift import DriftBaseline, rounds_digest
from store.records.versions import ModelPin
from tests.drift.probe_server import MODEL, serving
from tests.evals.server import NEVER_AN_ANSWER, FaultServer
from tests.support.workspaces import NOON

SECRET = "sk-very-secret-0123456789"
QUICK = Limits(attempts=2, timeout_s=0.5, deadline_s=1.5, backoff_s=0.01)


def reply(tops: Any = None, **changes: Any) -> bytes:
    entry = {"token": "a", "logprob": -0.1, "top_logprobs": tops}
    choice: dict[str, Any] = {"message": {"content": "a"}, "finish_reason": "length"}
    if tops is not None:
        choice["logprobs"] = {"content": [entry]}
    return json.dumps({"model": MODEL, "choices": [choice], **changes}).encode()


def top(token: Any = "a", logprob: Any = -0.5) -> dict[str, Any]:
    return {"token": token, "logprob": logprob}


BAD = {
    "nan": reply([top(logprob=float("nan"))]),
    "minus infinity": reply([top(logprob=float("-inf"))]),
    "a text": reply([top(logprob="-0.5")]),
    "true": reply([top(logprob=True)]),
    "none": reply([top(logprob=None)]),
    "above one": reply([top(logprob=0.5)]),
    "larger than any float": reply([top(logprob=-(10**400))]),
    "no token": reply([top(token=None)]),
    "a list for a token": reply([top(token=["a"])]),
    "an entry that is a number": reply([7]),
    "tops as text": reply("abc"),
    "a flood of tops": reply([top(token=f"t{i}") for i in range(5_000)]),
    "logprobs as text": reply(None, choices=[{"message": {"content": "a"}, "logprobs": "x"}]),
    "content as text": reply(None, choices=[{"message": {"content": "a"}, "logprobs": {"content": "x"}}]),
    "no choices": reply(None, choices=[]),
    "two choices": reply(None, choices=[{}, {}]),
    "no message": reply(None, choices=[{"finish_reason": "stop"}]),
    "no text": reply(None, choices=[{"message": {"content": None}}]),
    "a list": b"[]",
    "half": b'{"choices": [',
    "two keys": b'{"choices": [], "choices": []}',
}


@pytest.mark.parametrize("name", BAD)
def test_a_reply_that_cannot_be_believed_is_refused(name: str) -> None:
    with pytest.raises(BadReply) as caught:
        read_probe(BAD[name])
    assert len(str(caught.value)) < 300


def test_what_is_read_is_ranked_cut_and_bounded() -> None:
    tops = [top(token=f"t{i}", logprob=-float(i)) for i in range(300)]
    probe = read_probe(
        reply([*reversed(tops), top("rare", -9999), top("\ud800", -0.25), top("\ud801", -0.5)])
    )
    assert len(probe.tops) == KEPT_TOPS
    assert probe.tops[:3] == (("t0", 0.0), ("?", -0.25), ("t1", -1.0))
    assert read_probe(reply([top("rare", -9999)])).tops == (("rare", LEAST_LOGPROB),)
    assert read_probe(reply([top("x" * 9_000)])).tops[0][0] == "x" * 60
    named = read_probe(reply(None, model="evil\x1b[2J" + "m" * 900, system_fingerprint=7))
    assert "\x1b" not in named.returned and len(named.returned) <= 200 and named.fingerprint == ""
    assert read_probe(reply(None, model=7)).returned == ""


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda s: (
            st.lists(s)
            | st.dictionaries(
                st.sampled_from(
                    ["choices", "message", "content", "logprobs", "top_logprobs", "token", "logprob", "model"]
                ),
                s,
            )
        ),
    )
)
def test_no_reply_at_all_brings_the_reader_down(value: Any) -> None:
    for body in (
        json.dumps(value),
        json.dumps({"choices": [value]}),
        json.dumps(
            {
                "choices": [
                    {
                        "message": {"content": "a"},
                        "logprobs": {"content": [{"token": "a", "top_logprobs": value}]},
                    }
                ]
            }
        ),
    ):
        try:
            probe = read_probe(body.encode())
        except BadReply:
            continue
        assert len(probe.tops) <= KEPT_TOPS and all(LEAST_LOGPROB <= one <= 0 for _, one in probe.tops)


@pytest.fixture(scope="module")
def faults():
    with FaultServer() as running:
        yield running


TOLD_APART = ("wrong-model", "no-model", "filtered", "unfinished", "hang", "drip")
"""A first token is one however the answer would end, and another model's name is what is looked for; the
last two take their time."""


@pytest.mark.parametrize("fault", [one for one in NEVER_AN_ANSWER if one not in TOLD_APART])
async def test_no_fault_of_a_provider_is_a_token_and_none_tells_the_key(
    faults: FaultServer, fault: str
) -> None:
    pin = ModelPin(provider="openai", id=MODEL)
    async with Prober(pin, faults.url(fault), SECRET, limits=QUICK) as prober:
        with pytest.raises(ProbeError) as caught:
            await prober.ask("x", temperature=0.0, tops=10)
    assert SECRET not in str(caught.value) and "\n" not in str(caught.value)


async def test_a_hang_ends_and_another_name_is_told() -> None:
    pin = ModelPin(provider="openai", id=MODEL, parameters={"temperature": 1, "seed": 4, "user": "x"})
    asked: list[dict[str, Any]] = []

    def answer(body: dict[str, Any]) -> tuple[int, bytes]:
        asked.append(body)
        return 200, reply([top("a"), top("b")], model="another")

    with serving(answer) as served:
        async with Prober(pin, served.url, limits=QUICK) as prober:
            probe = await prober.ask("x", temperature=0.0, tops=10)
    assert probe.returned == "another" and len(probe.tops) == 2
    assert asked[0] == {
        "user": "x", "max_tokens": 1, "model": MODEL, "messages": [{"role": "user", "content": "x"}],
        "temperature": 0.0, "logprobs": True, "top_logprobs": 10,
    }  # fmt: skip


def test_a_baseline_survives_its_file_and_a_changed_one_is_refused() -> None:
    odd = ('"\n\t\x1b\\', -0.0), ("日本", -1e-4), ("", -50.0)
    rounds = ((odd,), (odd,))
    kept = DriftBaseline(
        id="01KK6N33G06V6RT1BRXYHD0P4P", at=NOON, model="model/chat@v1", model_digest="sha256:" + "0" * 64,
        environment="production", release="r1", mode="logprobs", tops=10, prompts=("x",), rounds=rounds,
        digest=rounds_digest("logprobs", ("x",), rounds),
    )  # fmt: skip
    data = write_toml(kept)
    assert read_toml(DriftBaseline, data, "it") == kept
    for wrong in (
        data.replace(b"-50.0", b"-49.0"), data.replace(b"-50.0", b"nan"), data.replace(b"-50.0", b"0.5"),
        data.replace(b'["x"]', b'["x", "y"]'), data + b"more = 1\n",
    ):  # fmt: skip
        with pytest.raises(InputError):
            read_toml(DriftBaseline, wrong, "it")
