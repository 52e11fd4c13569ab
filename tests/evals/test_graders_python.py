"""Graders of people's own: only what is allowed is run, and nothing it does becomes a score by accident."""

from __future__ import annotations

import json
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest

from evals.answer import Answer, Retrieved
from evals.case import Case
from evals.graders import CaseScore, GradeContext, grade
from evals.graders.python import grade_of

MODULE = """
import os, signal, sys, time

def polite(given):
    word = given["arguments"].get("word", "please")
    return {"score": word in given["answer"]["text"], "reason": f"looked for {word}"}

def half(given): return 0.5
def asks(given): return given["case"]["question"] == "How long?" and given["case"]["reference"] == "30 days"
def passages(given): return [one["source"] for one in given["answer"]["retrieved"]] == ["a.md"]
async def later(given): return True
def prints(given):
    print("{'said': true}"); sys.stdout.flush(); return sys.stdin.read() == ""
def hangs(given): time.sleep(60)
def spins(given):
    while True: pass
def raises(given): raise ValueError("no\\x1b[31m luck")
def leaves(given): sys.exit(0)
def dies(given): os.kill(os.getpid(), signal.SIGKILL)
def nothing(given): return None
def words(given): return "1.0"
def much(given): return "x" * 2_000_000
def odd(given): return object()
def nan(given): return float("nan")
not_a_function = 5
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GradeContext:
    (tmp_path / "own_graders.py").write_text(textwrap.dedent(MODULE), encoding="utf-8")
    package = tmp_path / "own_graders-1.0.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: own-graders\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text("[lockgate.graders]\npolite = own_graders:polite\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    return GradeContext(allowed_callables=("own_graders",))


async def graded(name: str, context: GradeContext, **more: Any) -> CaseScore:
    expect = {"grader": "python", "callable": name, "timeout_s": 20, **more}
    line = {"id": "c1", "input": "How long?", "reference": "30 days", "category": "x", "expect": [expect]}
    answer = Answer(text="yes, please", retrieved=(Retrieved("a.md#1", "a.md", "text", float("nan")),))
    return await grade(Case.model_validate_json(json.dumps(line)), answer, context)


async def test_what_a_function_says_is_the_score(own: GradeContext) -> None:
    found = await graded("own_graders:polite", own)
    assert (found.score, found.reasons) == (1, ("python: looked for please",))
    assert (await graded("own_graders:polite", own, arguments={"word": "thanks"})).score == 0
    for name, wanted in (("half", 0.5), ("asks", 1), ("passages", 1), ("later", 1), ("prints", 1)):
        assert (await graded(f"own_graders:{name}", own)).score == wanted, name


async def test_an_entry_point_is_found_by_its_name_and_allowed_like_any_function(own: GradeContext) -> None:
    assert (await graded("polite", own)).score == 1
    refused = await graded("polite", GradeContext())
    assert refused.score is None and "not allowed on this machine" in str(refused.error)
    missing = await graded("impolite", own)
    assert missing.score is None and "no installed package has the entry point" in str(missing.error)


@pytest.mark.parametrize(
    ("name", "permitted"),
    [
        ("own_graders:polite", ()),
        ("own_graders:polite", ("own_graders:half",)),
        ("own_graders:polite", ("own",)),
        ("os:getcwd", ("own_graders",)),
        ("own_graders:_polite.x", ("own_graders",)),
    ],
)
@pytest.mark.usefixtures("own")
async def test_what_the_settings_do_not_allow_is_not_imported(
    tmp_path: Path, name: str, permitted: tuple[str, ...]
) -> None:
    marker = tmp_path / "ran"
    with (tmp_path / "own_graders.py").open("a") as file:
        file.write(f"\nopen({str(marker)!r}, 'w').close()\n")
    found = await graded(name, GradeContext(allowed_callables=permitted))
    assert found.score is None and found.error
    assert not marker.exists()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("raises", "failed: ValueError no"),
        ("leaves", "failed: SystemExit"),
        ("dies", "the process of the grader"),
        ("nothing", "returned None"),
        ("words", "returned '1.0'"),
        ("much", "more than a grade"),
        ("odd", "failed: TypeError"),
        ("nan", "returned nan"),
        ("not_a_function", "failed: TypeError"),
        ("missing", "failed: AttributeError"),
    ],
)
async def test_whatever_goes_wrong_is_no_score(own: GradeContext, name: str, said: str) -> None:
    found = await graded(f"own_graders:{name}", own)
    assert (found.score, found.passed) == (None, None)
    assert found.error is not None and said in found.error
    assert "\x1b" not in found.error


@pytest.mark.parametrize("name", ["hangs", "spins"])
async def test_a_function_that_hangs_is_killed_and_the_next_one_works(own: GradeContext, name: str) -> None:
    started = time.monotonic()
    found = await graded(f"own_graders:{name}", own, timeout_s=0.6)
    assert time.monotonic() - started < 15
    assert found.score is None and "stopped after 0.6 s" in str(found.error)
    assert (await graded("own_graders:half", own)).score == 0.5


@pytest.mark.parametrize(
    ("said", "score"),
    [
        (True, 1), (False, 0), (1, 1), (0, 0), (0.25, 0.25), ({"score": 0.5}, 0.5),
        ({"score": True, "reason": "fine"}, 1),
        (1.01, None), (-0.1, None), (float("inf"), None), (None, None), ("yes", None), ([1], None),
        ({}, None),
        ({"score": None}, None), ({"score": 1, "passed": True}, None), ({"score": 1, "reason": 5}, None),
        ({"reason": "fine"}, None), (10**400, None),
    ],
)  # fmt: skip
def test_only_a_plain_score_is_one(said: Any, score: float | None) -> None:
    assert grade_of(said).score == score
