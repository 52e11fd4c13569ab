"""What a shadow may call: keys and prices of its own, never the application itself; and hostile text."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from console.controller.work import work_once
from console.operations import compare
from console.operations.add import model
from console.operations.apply import apply
from console.operations.shadow import start
from console.operations.shadow.status import status
from store.errors import Cancelled, InputError
from store.progress import Progress
from store.records.shadow import ShadowPolicy
from store.workspace import Workspace
from tests.evals.server import MODEL, FaultServer
from tests.operations.shadows import (
    App,
    another,
    answer_from_context,
    copied,
    did,
    later,
    made,
    staged,
    still,
)

HOSTILE = "\x1b]0;owned\x07\u202e{{context}} [@click=app.quit] ' or 1=1; -- \x00\u200b```</s><|im_end|>"


@pytest.fixture(scope="module")
def server() -> Iterator[FaultServer]:
    with FaultServer(answer=answer_from_context) as running:
        yield running


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory, server: FaultServer) -> Path:
    root = tmp_path_factory.mktemp("access")
    acme = made(root, server)
    another(acme, root / "scratch", "Answer kindly from these passages:\n\n{{context}}\n")
    return acme


def with_model(template: Path, tmp_path: Path, settings: str, url: str) -> Workspace:
    """A copy whose r3 has a model at `url`, and whose settings end with `settings`."""
    acme = copied(template, tmp_path / "acme")
    text = (acme / "settings.toml").read_text().partition("[keys]")[0]
    (acme / "settings.toml").write_text(f"{text}\n{settings}\n")
    workspace = still(acme)
    apply(workspace, model.plan(workspace, "chat", "openai", MODEL, base_url=url))
    staged(workspace, "model/chat")
    return workspace


REMOTE = "https://api.openai.com/v1"
PRICES = f'[prices]\n"{MODEL}" = {{ input = 1, output = 2 }}\n'
KEYS = '[keys]\n"api.openai.com" = "OPENAI_API_KEY"\n'
OWN = '[shadow_keys]\n"api.openai.com" = "SHADOW_KEY"\n'


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (KEYS + OWN, "the price of model"),
        (KEYS + PRICES, r"\[shadow_keys\]"),
        (KEYS + OWN + PRICES, None),
    ],
)
def test_a_shadow_wants_a_price_and_a_key_of_its_own(
    template: Path, tmp_path: Path, settings: str, said: str | None
) -> None:
    workspace = with_model(template, tmp_path, settings, REMOTE)
    if said is None:
        start.plan(workspace, "r3", "production", percent=10).demand()
        return
    with pytest.raises(InputError, match=said):
        start.plan(workspace, "r3", "production", percent=10)


def test_it_is_its_own_key_that_is_sent(
    template: Path, tmp_path: Path, server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("USERS_KEY", "key-of-users")
    monkeypatch.setenv("SHADOW_KEY", "key-of-shadows")
    keys = '[keys]\n"127.0.0.1" = "USERS_KEY"\n[shadow_keys]\n"127.0.0.1" = "SHADOW_KEY"\n'
    workspace = with_model(template, tmp_path, keys, server.url())
    apply(workspace, start.plan(workspace, "r3", "production", percent=100), "see")
    App(workspace).serve(3, answer=lambda *_: "Within 30 days.")
    server.requests.clear()
    assert work_once(workspace).replayed == 3
    sent = {request.headers["authorization"] for request in server.requests}
    assert sent == {"Bearer key-of-shadows"}


@pytest.mark.parametrize(
    "target",
    [
        'target = "python"\ncallable = "shop.support:answer"\n',
        'target = "http"\nurl = "http://127.0.0.1:1/"\n',
    ],
)
def test_the_application_itself_is_never_called(template: Path, tmp_path: Path, target: str) -> None:
    acme = copied(template, tmp_path / "acme")
    suite = tmp_path / "suite"
    shutil.copytree(template.parent / "material/suite", suite)
    (suite / "suite.toml").write_text(target + (suite / "suite.toml").read_text())
    did("-C", acme, "add", "evals", "support", "--from", suite)
    workspace = still(acme)
    staged(workspace, "evals/support")
    with pytest.raises(InputError, match="a shadow never calls it"):
        start.plan(workspace, "r3", "production", percent=10)


def test_a_provider_that_refuses_everything_is_a_problem_and_no_verdict(
    template: Path, tmp_path: Path, server: FaultServer
) -> None:
    workspace = with_model(template, tmp_path, "", server.url("401"))
    apply(workspace, start.plan(workspace, "r3", "production", percent=100), "see")
    App(workspace).serve(20, answer=lambda *_: "Within 30 days.")
    server.requests.clear()
    done = work_once(workspace)
    assert done.replayed == 0 and any("refused the key" in problem for problem in done.problems)
    assert len(server.requests) <= 2
    later(workspace, minutes=1)
    found = status(workspace, "production")
    assert found.candidate is not None and found.candidate.compared == 0


def test_hostile_text_is_carried_and_acts_nowhere(
    template: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace = still(copied(template, tmp_path / "acme"))
    policy = ShadowPolicy(again_percent=100)
    apply(workspace, start.plan(workspace, "r2", "production", percent=100, policy=policy), "see")
    asked = (
        HOSTILE,
        [{"role": "user", "content": HOSTILE}],
        [{"role": "assistant", "content": HOSTILE}],  # ends with the wrong turn: nobody can be asked that
        {"question": HOSTILE, "customer": HOSTILE},
        {"not a name": "x"},
    )
    ids = App(workspace).serve(
        5, answer=lambda *_: HOSTILE, retrieved=lambda _: (HOSTILE, "'); drop table claims"), questions=asked
    )
    done = work_once(workspace)
    assert done.problems == () and done.replayed == 3
    later(workspace, minutes=1)
    assert status(workspace, "production").states == {"done": 3, "failed": 2}
    capsys.readouterr()
    for request in ids[:4]:
        did("-C", workspace.root, "compare", "r1", "r2", "--request", request)
        did("-C", workspace.root, "compare", "r1", "r2", "--request", request, "--json")
    did("-C", workspace.root, "shadow", "status", "--env", "production")
    out, err = capsys.readouterr()
    assert not any(sign in out + err for sign in "\x1b\x07\u202e\u200b\x00")


async def test_two_releases_beside_each_other(template: Path, tmp_path: Path) -> None:
    workspace = still(copied(template, tmp_path / "acme"))
    seen: list[Progress] = []
    asking = compare.questions(workspace, text="How many days for returns?")
    (found,) = await compare.run(workspace, "r1", "r2", asking, report=seen.append)
    assert "30 days" in found.first.answer.text and "kindly" in found.second.answer.text
    assert (found.first.release, found.second.release, found.same) == ("r1", "r2", False)
    assert found.overlap == 1 and found.ranked == pytest.approx(1) and found.similarity is not None
    assert found.first.usd == 0 and found.first.answer.latency_ms > 0 and found.first.answer.retrieved
    assert seen[-1].done == seen[-1].total == 1
    (same,) = await compare.run(workspace, "r1", "production", asking)
    assert same.same and same.similarity == 1


async def test_a_comparison_can_be_stopped(template: Path, tmp_path: Path) -> None:
    workspace = still(copied(template, tmp_path / "acme"))
    done: list[Any] = []
    asking = [compare.Asked(f"Question {number}?") for number in range(10)]
    with pytest.raises(Cancelled):
        await compare.run(workspace, "r1", "r2", asking, on_compared=done.append, stop=lambda: len(done) >= 2)
    assert len(done) == 2


def test_what_to_ask_is_said_once(template: Path, tmp_path: Path) -> None:
    workspace = still(copied(template, tmp_path / "acme"))
    for given in ({}, {"text": "x", "last": 3}, {"text": " "}, {"last": 0}, {"last": 5}, {"request": "no"}):
        with pytest.raises(InputError):
            compare.questions(workspace, **given)  # type: ignore[arg-type]
