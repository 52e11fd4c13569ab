"""From baseline to incident: a model that stays, one that changes, one that comes under another name."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from console.controller.drifting import check_due
from console.operations.add import model
from console.operations.drift import baseline, check
from console.operations.drift import incident as incidents
from console.operations.drift.reading import file_of, watched
from console.operations.drift.reading import incidents as recorded
from store.errors import Blocked, Inconclusive, InputError, MachineryError
from store.records.drift import DriftIncident
from store.workspace import Workspace
from tests.drift.probe_server import FakeModel, Served, serving
from tests.drift.watching import check_on, made_with, stored, take_baseline
from tests.support.workspaces import NOON, add_prompt, do, promote_to, stage_all, tick


@pytest.fixture
def served() -> Iterator[Served]:
    with serving(FakeModel()) as running:
        yield running


@pytest.fixture
def acme(tmp_path: Path, served: Served) -> Workspace:
    return made_with(tmp_path, served.url)


def the_incident(workspace: Workspace) -> DriftIncident:
    snapshot = workspace.store.at()
    (found,) = recorded(snapshot, snapshot.pin("model/chat@v1"))
    return found


def test_a_baseline_is_fifty_calls_beside_the_version_in_one_commit(acme: Workspace, served: Served) -> None:
    before = acme.store.tip()
    applied = take_baseline(acme)
    kept = stored(acme)
    assert (applied.record.kind, applied.record.environment) == ("drift", "production")
    assert acme.store.commit(applied.commit).parent_ids[0] == acme.store.repo.get(before).id
    assert (kept.id, kept.model, kept.release, kept.mode) == (
        applied.record.id,
        "model/chat@v1",
        "r1",
        "logprobs",
    )
    assert [len(kept.rounds), len(kept.prompts), len(kept.rounds[0][0])] == [10, 5, 10]
    assert kept.fingerprints == ("fp_1",) and kept.returned == ("test-model-2026-01-01",)
    size = len(acme.store.at().bytes_at(f"drift/chat/v1/{kept.id}.toml") or b"")
    assert 5_000 < size < 64_000
    asked = served.answer.asked
    assert len(asked) == 51 and {one["max_tokens"] for one in asked} == {1}


def test_a_model_that_stays_is_quiet_and_one_that_changes_is_caught_in_three(
    acme: Workspace, served: Served
) -> None:
    take_baseline(acme)
    for day in range(1, 6):
        assert check_on(acme, day).outcome == "quiet"
    served.answer.bias = {"t3": 0.5, "t7": -0.5}
    served.answer.fingerprint = "fp_2"
    outcomes = []
    for day in range(6, 9):
        outcomes.append(check_on(acme, day))
        if outcomes[-1].outcome == "drift":
            break
    last = outcomes[-1]
    assert last.outcome == "drift" and last.record is not None and last.e_value >= 100
    found = the_incident(acme)
    assert found.id == last.record.id and found.cause == "answers"
    assert NOON < found.since < NOON + timedelta(days=6)
    assert "nothing of ours changed" in found.ours_said and "suite was not compared" in found.suite_said
    assert (found.fingerprints_before, found.fingerprints_now) == (("fp_1",), ("fp_2",))
    assert found.advice[0].startswith("Hold:") and "lockgate add model" in found.advice[1]

    asked = len(served.answer.asked)
    again = check_on(acme, 9)
    assert again.outcome == "drift" and again.record is None and len(served.answer.asked) == asked
    take_baseline(acme)
    assert check_on(acme, 10).outcome == "quiet"


def test_a_changed_fingerprint_alone_is_recorded_and_never_an_alarm(acme: Workspace, served: Served) -> None:
    take_baseline(acme)
    for day in range(1, 5):
        served.answer.fingerprint = f"fp_{day}x"
        assert check_on(acme, day).outcome == "quiet"
    kept = file_of(acme).standing(stored(acme).id).checks
    assert [one.fingerprints for one in kept] == [(f"fp_{day}x",) for day in range(1, 5)]


def test_another_name_is_an_alarm_at_once_and_no_baseline(acme: Workspace, served: Served) -> None:
    take_baseline(acme)
    served.answer.name = "test-model-2026-09-09\x1b[31m"
    looked = check_on(acme, 1)
    found = the_incident(acme)
    assert looked.outcome == "drift" and found.cause == "name" and "\x1b" not in looked.said
    assert found.returned[0].startswith("test-model-2026-09-09")
    with pytest.raises(Inconclusive, match="not the pinned model"):
        take_baseline(acme)


def test_what_we_changed_ourselves_is_named_and_cleared_of_suspicion(
    acme: Workspace, served: Served, tmp_path: Path
) -> None:
    take_baseline(acme)
    tick(acme, NOON + timedelta(hours=2))
    add_prompt(acme, tmp_path / "other", "Answer kindly.\n")
    promote_to(acme, stage_all(acme, "prompt/support=v2"))
    served.answer.name = "someone-else"
    check_on(acme, 1)
    found = the_incident(acme)
    assert len(found.ours) == 1 and "Deployed prompt support v2" in found.ours[0]
    assert found.ours_said.startswith("one change of ours") and "cannot be the reason" in found.ours_said


def test_an_endpoint_without_logprobs_is_watched_by_border_inputs(acme: Workspace, served: Served) -> None:
    served.answer.refuses_logprobs = True
    take_baseline(acme)
    kept = stored(acme)
    assert kept.mode == "tokens" and len(kept.prompts) == 10 and kept.near_tied
    assert 200 <= len(served.answer.asked) <= 1_000
    assert check_on(acme, 1).outcome == check_on(acme, 2).outcome == "quiet"
    served.answer.bias = {f"t{number}": 1.5 * (-1) ** number for number in range(30)}
    assert "drift" in [check_on(acme, day).outcome for day in range(3, 6)]


def test_an_endpoint_that_takes_five_tops_is_asked_for_five(acme: Workspace, served: Served) -> None:
    served.answer.most_tops = 5
    take_baseline(acme)
    assert (stored(acme).mode, stored(acme).tops) == ("logprobs", 5)
    assert check_on(acme, 1).outcome == "quiet"


def test_only_what_serves_gets_a_baseline(acme: Workspace, served: Served) -> None:
    do(acme, model.plan(acme, "chat", "openai", "gpt-4o-2024-08-06"))
    with pytest.raises(Blocked, match="model/chat@v2 does not serve in production"):
        baseline.subject(acme, "chat")
    with pytest.raises(InputError, match="no model"):
        baseline.subject(acme, "prompt/support@v1")
    with pytest.raises(InputError, match="give 0 to"):
        baseline.plan(acme, baseline.subject(acme, "chat@v1"), None, float("nan"))
    served.answer = lambda _: (500, b"broken")
    with pytest.raises(MachineryError, match="gave no token"):
        asyncio.run(baseline.measure(acme, baseline.subject(acme, "chat@v1")))


def test_killed_between_the_check_and_its_record_the_next_check_records_without_asking(
    acme: Workspace, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_baseline(acme)
    served.answer.name = "someone-else"

    class Killed(BaseException):
        pass

    def killed(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(incidents, "plan", killed)
        with pytest.raises(Killed):
            check_on(acme, 1)
    snapshot = acme.store.at()
    assert recorded(snapshot, snapshot.pin("model/chat@v1")) == ()
    served.answer.name = "test-model-2026-01-01"
    asked = len(served.answer.asked)
    (one,) = watched(acme.store.at())
    assert check.due(acme, one)
    assert check_on(acme, 1.01).outcome == "drift" and len(served.answer.asked) == asked
    assert the_incident(acme).cause == "name"


def test_a_check_that_says_nothing_counts_for_nothing_and_comes_again_in_an_hour(
    acme: Workspace, served: Served
) -> None:
    take_baseline(acme)
    good, served.answer = served.answer, lambda _: (500, b"broken")
    looked = check_on(acme, 1)
    assert looked.outcome == "undecided" and "status 500" in looked.said
    standing = file_of(acme).standing(stored(acme).id)
    assert standing.evidence.checks == 0 and standing.checks[0].p is None
    (one,) = watched(acme.store.at())
    assert not check.due(acme, one)
    tick(acme, acme.clock.now() + timedelta(minutes=61))
    assert check.due(acme, one)
    served.answer = good
    assert check_on(acme, 1.1).outcome == "quiet"


def test_a_controller_checks_once_a_day_whatever_its_clock_does(acme: Workspace, served: Served) -> None:
    assert check_due(acme) == ()
    take_baseline(acme)
    asked = len(served.answer.asked)

    def asks_at(day: float) -> bool:
        tick(acme, NOON + timedelta(days=day))
        before = len(served.answer.asked)
        assert check_due(acme) == ()
        return len(served.answer.asked) > before

    assert not asks_at(0.5) and len(served.answer.asked) == asked
    assert asks_at(1) and not asks_at(1.2) and asks_at(2)
    assert asks_at(400)  # the clock jumped ahead
    assert asks_at(3) and not asks_at(3.1)  # and back: once, not for ever
    assert asks_at(4)
    take_baseline(acme, every=0)
    assert not asks_at(9)


def test_a_damaged_file_is_one_sentence_and_a_check_in_another_process_is_counted(acme: Workspace) -> None:
    take_baseline(acme)
    check_on(acme, 1)
    path = file_of(acme).path
    for damage in ("{", "[[[]]]", "[7]", '[[[["a", NaN]]]]'):
        with sqlite3.connect(path) as connection:
            connection.execute("update checks set rounds = ?", (damage,))
        looked = check_on(acme, 2)
        assert looked.outcome == "undecided" and "move it away" in looked.said
    path.write_bytes(b"not a database, but long enough to be taken for one" * 100)
    for extra in ("-wal", "-shm"):
        path.with_name(path.name + extra).unlink(missing_ok=True)
    assert "move it away" in check_on(acme, 3).said
    path.unlink()
    assert check_on(acme, 4).outcome == "quiet"
