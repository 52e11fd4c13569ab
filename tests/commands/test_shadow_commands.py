"""lockgate shadow and lockgate compare: plans, records, dry runs, JSON, one sentence for each mistake."""

from __future__ import annotations

import json
import os
import re
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from console.controller.work import work_once
from lockgate_client import Client
from store.records.rollout_policy import RolloutPolicy
from store.records.shadow import ShadowPolicy
from store.settings import Settings
from store.workspace import Workspace
from tests.commands.conftest import Lockgate
from tests.evals.server import FaultServer
from tests.operations.shadows import another, answer_from_context, copied, made

START = ("shadow", "start", "r2", "--env", "production", "--percent", "100")
DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def shadow_server() -> Iterator[FaultServer]:
    with FaultServer(answer=answer_from_context) as running:
        yield running


@pytest.fixture(scope="module")
def shadow_template(tmp_path_factory: pytest.TempPathFactory, shadow_server: FaultServer) -> Path:
    root = tmp_path_factory.mktemp("commands")
    acme = made(root, shadow_server)
    another(acme, root / "scratch", "Answer kindly from these passages:\n\n{{context}}\n")
    return acme


@pytest.fixture
def root(shadow_template: Path, tmp_path: Path) -> Path:
    return copied(shadow_template, tmp_path / "acme")


def test_a_shadow_from_start_to_stop(root: Path, lockgate: Lockgate) -> None:
    here = ("-C", str(root))
    planned = lockgate(*here, *START, "--cap-rpm", "30", "--cap-usd-per-day", "2", "--dry-run", "--json")
    assert planned.code == 0 and planned.data["dry_run"] and planned.data["verb"] == "shadow"
    assert "30 calls a minute and $2 a day" in " ".join(planned.data["effects"])
    assert "--cap-rpm 30" in planned.data["command"] and "--until 7d" in planned.data["command"]
    assert "No shadow is on" in lockgate(*here, "shadow", "status", "--env", "production").out

    begun = lockgate(*here, *START, "--until", "12h", "-m", "a look", "--json")
    assert begun.code == 0 and begun.data["kind"] == "shadow" and begun.data["why"] == "a look"
    status = lockgate(*here, "shadow", "status", "--env", "production", "--json")
    assert status.data["shadow"]["release"] == "r2" and status.data["outcome"] == "inconclusive"
    assert "No request has been replayed yet" in " ".join(status.data["reasons"])
    assert "shadow" in lockgate(*here, "history").out

    client = Client(root / "live/production.json")
    for number in range(3):
        served = client.resolve(f"user-{number}")
        client.capture(served, request_id=f"q{number}", input="How long?", answer="Three days.", retrieved=())
    client.close()
    assert work_once(Workspace(root)).replayed == 3
    shown = lockgate(*here, "shadow", "status", "--env", "production").out
    assert "r2 in the shadow of r1 in production: 100 % of requests" in shown and "3 replayed" in shown

    ended = lockgate(*here, "shadow", "stop", "--env", "production", "-m", "enough", "--json")
    assert ended.code == 0 and ended.data["kind"] == "unshadow"
    assert lockgate(*here, "shadow", "stop", "--env", "production").code == 2
    assert lockgate(*here, "check").code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("start", "r2", "--env", "production", "--percent", "0"), "--percent is 0"),
        (("start", "r9", "--env", "production", "--percent", "5"), "there is no release 'r9'"),
        (("start", "r2", "--env", "nowhere", "--percent", "5"), "there is no environment 'nowhere'"),
        (("start", "r2", "--env", "production", "--percent", "5", "--until", "soon"), "no span of time"),
        (("start", "r2", "--env", "production", "--percent", "5", "--until", "90d"), "at most 30 days"),
        (("start", "r1", "--env", "production", "--percent", "5"), "a shadow is another release"),
        (("status", "--env", "nowhere"), "there is no environment"),
    ],
)
def test_a_mistake_is_one_sentence(
    root: Path, lockgate: Lockgate, arguments: tuple[str, ...], said: str
) -> None:
    done = lockgate("-C", str(root), "shadow", *arguments)
    assert done.code == 2 and said in done.err and len(done.err.strip().splitlines()) == 1


def test_compare_as_text_and_json(root: Path, lockgate: Lockgate) -> None:
    here = ("-C", str(root))
    asked = ("compare", "r1", "r2", "--input", "How many days for returns?")
    found = lockgate(*here, *asked, "--json")
    assert found.code == 0 and len(found.data) == 1
    one = found.data[0]
    assert [side["release"] for side in one["sides"]] == ["r1", "r2"] and one["overlap"] == 1
    assert all("30 days" in side["answer"] and side["usd"] == 0 for side in one["sides"])
    assert all(side["passages"] and side["latency_ms"] > 0 for side in one["sides"])
    shown = lockgate(*here, *asked).out
    assert "r1: " in shown and "│  r2: " in shown and "of the passages in common" in shown

    assert lockgate(*here, "compare", "r1", "r2").code == 2
    assert lockgate(*here, "compare", "r1", "r9", "--input", "x").code == 2
    empty = lockgate(*here, "compare", "r1", "r2", "--last", "3")
    assert empty.code == 2 and "no request is stored here" in empty.err

    assert lockgate(*here, *START).code == 0
    client = Client(root / "live/production.json")
    for number in range(3):
        client.capture(
            client.resolve("u"), request_id=f"q{number}", input=f"How long? {number}", answer="Old."
        )
    client.close()
    last = lockgate(*here, "compare", "production", "r2", "--last", "2", "--json")
    assert [one["request_id"] for one in last.data] == ["q2", "q1"] and last.data[0]["served"] == "Old."
    stored = lockgate(*here, "compare", "r1", "r2", "--request", "q0").out
    assert "the user was answered by r1: Old." in stored


def test_compare_below_each_other_where_it_is_narrow(
    root: Path, lockgate: Lockgate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "get_terminal_size", lambda *_: os.terminal_size((50, 20)))
    shown = lockgate("-C", str(root), "compare", "r1", "r2", "--input", "How many days for returns?").out
    assert "│" not in shown and all(len(line) <= 60 for line in shown.splitlines()[1:-2])


def test_the_docs_tell_every_setting_and_their_samples_are_read() -> None:
    page = (DOCS / "shadow.md").read_text(encoding="utf-8")
    samples = [tomllib.loads(block) for block in re.findall(r"```toml\n(.*?)```", page, re.DOTALL)]
    policy, settings = samples
    steps = {"steps": [{"percent": 100.0}]}
    read = RolloutPolicy.model_validate_json(json.dumps({**steps, **policy["environments"]["rollout"]}))
    assert set(policy["environments"]["rollout"]["shadow"]) == set(ShadowPolicy.model_fields)
    assert read.shadow == ShadowPolicy() and read.graded_percent == 10
    assert Settings.model_validate_json(json.dumps(settings)).shadow_keys
