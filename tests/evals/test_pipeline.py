"""The pipeline, its cache, and the application as a target."""

import asyncio
import json
import sqlite3
import threading
from dataclasses import dataclass
from pathlib import Path

import pytest

from evals.application import HttpTarget, PythonTarget
from evals.cache import AnswerCache, answer_key
from evals.case import Case
from evals.models.access import EndpointAccess, EndpointSettings
from evals.models.endpoint import Endpoint, EndpointError
from evals.models.reply import Completion
from evals.models.retry import Limits
from evals.pipeline import CONTEXT_LIMIT, Pipeline
from prompts.prompt import Example, Prompt
from store.bounded import validate
from store.errors import InputError
from store.records.versions import Guardrail, ModelPin, PromptInfo, Rules, Variable
from tests.evals.server import MODEL, FaultServer

QUICK = Limits(attempts=2, timeout_s=0.5, deadline_s=2.0, backoff_s=0.01, longest_wait_s=0.02)
PIN = ModelPin(provider="openai", id=MODEL)
PROMPT = Prompt("Answer from the passages.\n{{context}}")


@dataclass
class Row:
    id: str
    source: str
    text: str
    distance: float = 0.5


class Index:
    """Finds the same rows for every question."""

    def __init__(self, *rows: Row, error: Exception | None = None) -> None:
        self.rows, self.error = rows, error
        self.asked: list[str] = []
        self._busy = threading.Lock()

    def query(self, texts, k):
        assert self._busy.acquire(blocking=False), "asked from two threads at once"
        try:
            self.asked += texts
            if self.error:
                raise self.error
            return [list(self.rows[:k]) for _ in texts]
        finally:
            self._busy.release()


def case(input="How long?", **more) -> Case:
    data = {
        "id": "c",
        "input": input,
        "category": "x",
        "expect": [{"grader": "contains", "any": ["a"]}],
        **more,
    }
    return validate(Case, data, "c")


@pytest.fixture
def server():
    with FaultServer() as running:
        yield running


@pytest.fixture
async def endpoint(server: FaultServer):
    async with Endpoint(PIN, server.url(), "sk-canary-0123456789", limits=QUICK) as opened:
        yield opened


async def test_passages_prompt_model(server: FaultServer, endpoint: Endpoint) -> None:
    index = Index(
        Row("r1", "refunds.md", " 30 days. "), Row("r2", "fees.md", "{{question}}"), Row("r3", "z", "z")
    )
    answer = await Pipeline(PROMPT, endpoint, index, retrieve=2).answer(case(), 1)
    assert server.requests[-1].body["messages"] == [
        {
            "role": "system",
            "content": "Answer from the passages.\n[1] refunds.md\n30 days.\n\n[2] fees.md\n{{question}}",
        },
        {"role": "user", "content": "How long?"},
    ]
    assert [one.id for one in answer.retrieved] == ["r1", "r2"]
    assert (answer.text, answer.error, answer.refused_by) == ("ok How long?", None, None)


async def test_conversations_and_variables(server: FaultServer, endpoint: Endpoint) -> None:
    prompt = Prompt(
        "For {{who}}.", (Example("q", "a"),), PromptInfo(variables=(Variable(name="who", default="all"),))
    )
    pipeline = Pipeline(prompt, endpoint)
    turns = [
        {"role": "user", "content": "1"},
        {"role": "assistant", "content": "2"},
        {"role": "user", "content": "3"},
    ]
    await pipeline.answer(case(turns), 1)
    assert [one["content"] for one in server.requests[-1].body["messages"]] == [
        "For all.",
        "q",
        "a",
        "1",
        "2",
        "3",
    ]
    await pipeline.answer(case({"who": "Ada", "question": "Why?"}), 1)
    messages = server.requests[-1].body["messages"]
    assert (messages[0]["content"], messages[-1]["content"]) == ("For Ada.", "Why?")
    with pytest.raises(InputError, match="end with the user's turn"):
        await pipeline.answer(case(turns[:2]), 1)


async def test_guardrails_stand_on_both_sides(server: FaultServer, endpoint: Endpoint) -> None:
    index = Index(Row("r", "s", "t"))
    guard = Guardrail(input=Rules(deny=("secret",)), output=Rules(deny=("ok",)), refusal="No.")
    refused = await Pipeline(PROMPT, endpoint, index, [Guardrail(), guard]).answer(case("secret?"), 1)
    assert (refused.text, refused.refused_by) == ("No.", "input deny 1")
    assert not server.requests and not index.asked
    refused = await Pipeline(PROMPT, endpoint, index, [guard]).answer(case(), 1)
    assert (refused.text, refused.refused_by) == ("No.", "output deny 1")
    assert refused.retrieved and refused.completion_tokens == 2


async def test_a_guardrail_that_cannot_be_evaluated_fails_the_answer(server, endpoint) -> None:
    slow = Guardrail(input=Rules(deny=("(a+)+$",)))
    answer = await Pipeline(PROMPT, endpoint, None, [slow]).answer(case("a" * 40 + "!"), 1)
    assert answer.error is not None and answer.text == ""
    assert not server.requests


async def test_machinery_never_looks_like_an_answer(server: FaultServer) -> None:
    for fault in ("500", "html", "no-choices", "wrong-model"):
        async with Endpoint(PIN, server.url(fault), limits=QUICK) as endpoint:
            answer = await Pipeline(PROMPT, endpoint).answer(case(), 1)
            assert answer.error and not answer.text
    async with Endpoint(PIN, server.url("401"), "sk-canary-0123456789", limits=QUICK) as endpoint:
        with pytest.raises(EndpointError, match="refused the key") as caught:
            await Pipeline(PROMPT, endpoint).answer(case(), 1)
        assert "canary" not in caught.value.message
    async with Endpoint(PIN, server.url(), limits=QUICK) as endpoint:
        broken = Index(error=RuntimeError("hnsw\nsegment"))
        answer = await Pipeline(PROMPT, endpoint, broken).answer(case(), 1)
        assert answer.error == "the index gave no passages (RuntimeError: hnsw segment)."


async def test_too_many_passages_are_left_out(server: FaultServer, endpoint: Endpoint) -> None:
    rows = [Row(str(n), "s", "x" * 10_000) for n in range(10)]
    answer = await Pipeline(PROMPT, endpoint, Index(*rows), retrieve=10).answer(case(), 1)
    assert len(answer.retrieved) == 4
    assert len(server.requests[-1].body["messages"][0]["content"]) < CONTEXT_LIMIT + 500


async def test_answers_are_asked_for_once(server: FaultServer, endpoint: Endpoint, tmp_path: Path) -> None:
    with AnswerCache(tmp_path / "state/evals.sqlite") as cache:
        index = Index(Row("r", "s", "t"))
        one, two = (Pipeline(PROMPT, endpoint, index, cache=cache) for _ in range(2))
        answers = await asyncio.gather(*(p.answer(case(), 1) for p in (one, two, one, two)))
        assert len(server.requests) == 1
        assert sorted(answer.cached for answer in answers) == [False, True, True, True]
        assert len({answer.text for answer in answers}) == 1
        again = await one.answer(case(), 2)
        assert not again.cached and len(server.requests) == 2
    with AnswerCache(tmp_path / "state/evals.sqlite") as cache:
        assert (await Pipeline(PROMPT, endpoint, index, cache=cache).answer(case(), 2)).cached
        other = Pipeline(Prompt("Another.\n{{context}}"), endpoint, index, cache=cache)
        assert not (await other.answer(case(), 1)).cached


async def test_failures_are_never_kept(server: FaultServer, tmp_path: Path) -> None:
    with AnswerCache(tmp_path / "evals.sqlite") as cache:
        async with Endpoint(PIN, server.url("500"), limits=QUICK, identity="same") as broken:
            assert (await Pipeline(PROMPT, broken, cache=cache).answer(case(), 1)).error
        async with Endpoint(PIN, server.url(), limits=QUICK, identity="same") as healed:
            answer = await Pipeline(PROMPT, healed, cache=cache).answer(case(), 1)
            assert (answer.error, answer.cached) == (None, False)


def test_the_key_names_everything_that_changes_an_answer() -> None:
    messages = [{"role": "user", "content": "hi"}]
    keys = {
        answer_key("a", PIN, messages, 1),
        answer_key("b", PIN, messages, 1),
        answer_key("a", PIN, messages, 2),
        answer_key("a", PIN.model_copy(update={"id": "other"}), messages, 1),
        answer_key("a", PIN.model_copy(update={"parameters": {"temperature": 1}}), messages, 1),
        answer_key("a", PIN, [{"role": "user", "content": "ho"}], 1),
        answer_key("a", PIN, [{"role": "system", "content": "hi"}], 1),
    }
    assert len(keys) == 7
    noted = PIN.model_copy(update={"what_changed": "words"})
    assert answer_key("a", noted, messages, 1) in keys


def damage_header(path: Path) -> None:
    path.write_bytes(b"not a database at all" * 100)


def damage_pages(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[100:] = b"\xa5" * (len(data) - 100)
    path.write_bytes(data)


def other_value(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE answers SET value = '{\"text\": 3}'")


@pytest.mark.parametrize("damage", [damage_header, damage_pages, other_value])
def test_a_damaged_cache_is_begun_anew(damage, tmp_path: Path) -> None:
    path = tmp_path / "evals.sqlite"
    answer = Completion("text", MODEL, "stop", 1, 2, 3.0, 1)
    with AnswerCache(path) as cache:
        for number in range(200):
            cache.put(f"{number}", answer)
    damage(path)
    with AnswerCache(path) as cache:
        assert cache.get("7") is None
        cache.put("7", answer)
        kept = cache.get("7")
        assert kept is not None and kept.cached and kept.text == "text"
    assert path.stat().st_mode & 0o077 == 0


def test_a_cache_that_is_damaged_while_open(tmp_path: Path) -> None:
    path = tmp_path / "evals.sqlite"
    answer = Completion("text", MODEL, "stop")
    cache = AnswerCache(path)
    cache.put("k", answer)
    for name in ("evals.sqlite", "evals.sqlite-wal", "evals.sqlite-shm"):
        if (tmp_path / name).exists():
            (tmp_path / name).write_bytes(b"\xa5" * 8192)
    cache.get("k")
    cache.put("k2", answer)
    cache.close()


def shout(given: dict) -> str:
    return given["question"].upper()


async def whisper(given: dict) -> dict:
    return {"text": given["question"].lower(), "retrieved": [{"id": "d1"}]}


def fail(_: dict) -> str:
    raise ValueError("key is sk-proj-0123456789abcdefghijklmnop")


async def test_a_python_callable_answers() -> None:
    here = __name__
    target = PythonTarget.load(f"{here}:shout", [here])
    assert (await target.answer(case(), 1)).text == "HOW LONG?"
    answer = await PythonTarget.load(f"{here}:whisper", [f"{here}:whisper"]).answer(case(), 1)
    assert (answer.text, answer.retrieved[0].source) == ("how long?", "d1")
    failed = await PythonTarget(fail).answer(case(), 1)
    assert failed.error is not None and "ValueError" in failed.error and "sk-proj" not in failed.error
    number = await PythonTarget(lambda _: 3).answer(case(), 1)
    assert number.error is not None and "int" in number.error
    late = await PythonTarget(lambda _: asyncio.sleep(9), timeout_s=0.05).answer(case(), 1)
    assert late.error is not None and "0.05 seconds" in late.error


@pytest.mark.parametrize(
    ("spec", "allowed", "said"),
    [
        ("os:system", [], "not allowed on this machine"),
        ("os:system", ["os:getcwd", "shutil"], "not allowed on this machine"),
        ("os.system", ["os"], "names no callable"),
        ("../x:y", ["../x"], "names no callable"),
        ("os:no_such", ["os"], "cannot be imported"),
        ("no_such_module:f", ["no_such_module"], "cannot be imported"),
        ("os:sep", ["os"], "is not a function"),
    ],
)
def test_only_allowed_callables_are_imported(spec: str, allowed: list[str], said: str) -> None:
    with pytest.raises(InputError, match=said):
        PythonTarget.load(spec, allowed)


async def test_an_application_over_http(monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.evals import server as faults

    plain = {"content-type": "application/json"}
    replies = {
        "app": (200, plain, json.dumps({"text": "from the app", "retrieved": [{"id": "x"}]}).encode()),
        "odd": (200, plain, b'{"words": "x"}'),
        "down": (503, plain, b"sk-canary-0123456789"),
        "gone": (404, plain, b""),
    }
    monkeypatch.setattr(faults, "reply", lambda fault, *_: replies[fault])
    with FaultServer(answer=lambda _: "") as server:
        async with HttpTarget.open(server.url("app"), "r3", EndpointSettings(), QUICK) as target:
            answer = await target.answer(case({"question": "Why?", "who": "Ada"}), 1)
        assert (answer.text, answer.retrieved[0].id) == ("from the app", "x")
        assert server.requests[-1].body == {"input": {"question": "Why?", "who": "Ada"}, "release": "r3"}
        for fault in ("odd", "down"):
            access = EndpointAccess(server.url(fault), "sk-canary-0123456789")
            async with HttpTarget(access, "r3", QUICK) as target:
                failed = await target.answer(case(), 1)
            assert failed.error is not None and "canary" not in failed.error
        async with HttpTarget(EndpointAccess(server.url("gone")), "r3", QUICK) as target:
            with pytest.raises(EndpointError, match="404"):
                await target.answer(case(), 1)
    with pytest.raises(InputError, match="not allowed"):
        HttpTarget.open("https://elsewhere.example/app", "r3", EndpointSettings())
