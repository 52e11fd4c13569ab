"""lockgate drift on the command line, in a tick, and in the page for operators."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from console.__main__ import run
from console.controller.visit import visit
from console.controller.watch import watch
from console.operations.check import check as check_store
from console.operations.drift.reading import file_of
from store.workspace import Workspace
from tests.drift.probe_server import FakeModel, Served, serving
from tests.drift.watching import made_with, stored

DOCS = Path(__file__).parents[2] / "docs"


@dataclass
class Result:
    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def served() -> Iterator[Served]:
    with serving(FakeModel(text=lambda _: "all good")) as running:
        yield running


@pytest.fixture
def acme(tmp_path: Path, served: Served) -> Workspace:
    return made_with(tmp_path, served.url, cases=3)


@pytest.fixture
def lockgate(acme: Workspace, capsys: pytest.CaptureFixture[str]):
    def call(*arguments: str) -> Result:
        capsys.readouterr()
        code = run(["-C", str(acme.root), "drift", *arguments])
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return Result(code, out, err)

    return call


def test_from_baseline_to_alarm_and_report(lockgate, served: Served, acme: Workspace) -> None:
    none = lockgate("check")
    assert none.code == 2 and "lockgate drift baseline MODEL@vN" in none.err
    planned = lockgate("baseline", "model/chat@v1", "--dry-run", "--json")
    assert planned.code == 0 and planned.data["verb"] == "drift" and served.answer.asked == []
    taken = lockgate("baseline", "chat", "--suite", "-m", "went live", "--json")
    assert taken.code == 0 and taken.data["kind"] == "drift" and taken.data["why"] == "went live"
    assert len(file_of(acme).scores(taken.data["id"], "before")) == 18

    would = lockgate("check", "--dry-run")
    assert would.code == 0 and "not due yet; a check asks for 50 tokens" in would.out
    assert lockgate("check", "--due").out == "Nothing is due.\n"
    quiet = lockgate("check", "--json")
    assert quiet.code == 0 and quiet.data["checks"][0]["outcome"] == "quiet"
    served.answer.name = "someone\x1b[31m-else"
    alarm = lockgate("check")
    assert alarm.code == 1 and "changed under its pin" in alarm.out and "\x1b" not in alarm.out
    assert lockgate("check", "--json").data["checks"][0]["outcome"] == "drift"

    told = lockgate("report", "--json").data
    assert told["incidents"][0]["cause"] == "name" and told["models"][0]["drifted"]
    page = lockgate("report", "--markdown").out
    assert page.startswith("# Quality in production") and "Hold: promote nothing" in page
    assert "calls itself" not in lockgate("report").err
    assert lockgate("report", "--json", "--markdown").code == 2
    assert "there is no environment" in lockgate("report", "--env", "nowhere").err
    assert check_store(acme.store).findings == (), "baselines and incidents belong into a store"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("baseline", "model/chat@v9"), "there is no model/chat@v9"),
        (("baseline", "prompt/support@v1"), "is no model"),
        (("baseline", "chat", "--env", "nowhere"), "there is no environment 'nowhere'"),
        (("check", "--env", "nowhere"), "there is no environment 'nowhere'"),
        (("baseline", "../../etc"), "is not"),
    ],
)
def test_mistakes_are_one_sentence(lockgate, arguments: tuple[str, ...], said: str) -> None:
    result = lockgate(*arguments)
    assert result.code == 2 and said in result.err and result.err.count("\n") == 1


def test_an_endpoint_that_does_not_answer_is_exit_3_and_kept_for_the_next(
    lockgate, served: Served, acme: Workspace
) -> None:
    assert lockgate("baseline", "chat").code == 0
    served.answer = lambda _: (401, b'{"error": {"message": "no"}}')
    result = lockgate("check")
    assert result.code == 3 and "refused the key" in result.out
    assert len(file_of(acme).standing(stored(acme).id).checks) == 1
    assert lockgate("check", "--due").out == "Nothing is due.\n"


def test_a_baseline_whose_evals_cannot_be_run_is_taken_all_the_same(
    lockgate, served: Served, acme: Workspace
) -> None:
    model = served.answer
    served.answer = lambda body: model(body) if body.get("max_tokens") == 1 else (401, b"{}")
    result = lockgate("baseline", "chat", "--suite")
    assert result.code == 4 and "the baseline is taken, but its evals were not run" in result.err
    assert stored(acme).release == "r1"


def test_a_tick_and_a_watch_check_what_is_due(lockgate, served: Served, acme: Workspace) -> None:
    here = Workspace(acme.root)
    asked = len(served.answer.asked)
    assert visit(here).problems == () and len(served.answer.asked) == asked
    assert lockgate("baseline", "chat", "--every", "0.000001").code == 0
    assert visit(here).problems == ()
    assert file_of(here).standing(stored(here).id).evidence.checks == 1
    with_path = file_of(here)
    connection = __import__("sqlite3").connect(with_path.path)
    with connection:
        connection.execute("update checks set at = at - 90000")
    connection.close()
    served.answer.name = "someone-else"
    told: list[str] = []
    stopped = Event()

    def hear(one) -> None:
        told.extend(one.problems)
        if told:
            stopped.set()

    watch(here, every=0.05, stopped=stopped, told=hear, ticks=400)
    assert any("changed under its pin" in text for text in told)
    record = next(here.store.commits())
    assert str(record.author.name).startswith("Lockgate controller for")


def test_help_brings_no_numpy_and_the_page_tells_the_truth(lockgate) -> None:
    seen = (
        "import sys, console.commands.drift; print(sorted({'numpy', 'httpx2', 'openai'} & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", seen], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "[]"
    page = (DOCS / "drift.md").read_text(encoding="utf-8")
    for command, option in re.findall(r"`lockgate drift (baseline|check|report)[^`]*?(--[a-z-]+)", page):
        assert option in lockgate(command, "--help").out, (command, option)
    for command in ("baseline", "check", "report"):
        assert f"lockgate drift {command}" in page
