"""The journal: what it keeps, what it makes of torn and hostile lines, and whose it is."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.answer import Answer, Retrieved
from evals.case import Case
from evals.graders.grading import CaseScore
from evals.runner import Graded
from evals.running import journal as journals
from evals.running.journal import Journal, entries, prune, read_lines
from evals.running.lines import TEXT_KEPT, End, Entry, Start, read_line, written
from store.bounded import LINE_LIMIT, validate
from store.errors import MachineryError

AT = datetime(2026, 3, 1, tzinfo=UTC)
RUN = "b" * 64
START = Start(run=RUN, at=AT, release="r2", baseline=None, tier="full", suites=("evals/a@v1",))
NASTY = 'x\x1b]52;c;ZXZpbA==\x07\u202e\u0085\udc80 "\\\n{"line": "end"}\x00'


def case(number: int = 1) -> Case:
    data = {"id": f"c{number}", "input": f"q{number}", "category": "x"}
    return validate(Case, {**data, "expect": [{"grader": "contains", "any": ["yes"]}]}, "c")


def entry(number: int = 1, score: float | None = 1.0, text: str = "yes", at: datetime = AT) -> Entry:
    answer = Answer(text, error=None if score is not None else "the endpoint failed.")
    graded = Graded("candidate", case(number), 1, answer, CaseScore(f"c{number}", score, None))
    return Entry.of("evals/a", graded, at)


def path(folder: Path) -> Path:
    return folder / f"{RUN}.jsonl"


def known(folder: Path, start: Start = START, **more: timedelta) -> set[str]:
    with Journal.open(folder, start, **more) as found:
        return {one.case for one in found.recall("evals/a").values()}


def test_what_was_answered_is_known_to_the_next_go(tmp_path: Path) -> None:
    with Journal.open(tmp_path, START) as first:
        first.write(entry(1))
        first.write(entry(2, score=None))
        assert first.recall("evals/a") == {}
    assert known(tmp_path) == {case(1).content_hash}  # what failed is asked again
    with Journal.open(tmp_path, START) as third:
        assert third.recall("evals/b") == {} == third.recall("evals/a", ("verdict",))
        third.write(entry(2))
    assert known(tmp_path) == {case(1).content_hash, case(2).content_hash}
    assert path(tmp_path).stat().st_mode & 0o777 == 0o600


def test_a_run_that_ended_begins_anew(tmp_path: Path) -> None:
    with Journal.open(tmp_path, START) as first:
        first.write(entry())
        first.write(End(at=AT, outcome="pass"))
    assert known(tmp_path) == set()


def test_answers_of_an_application_are_gone_on_with_for_a_while_only(tmp_path: Path) -> None:
    with Journal.open(tmp_path, START) as first:
        first.write(entry())
    soon = START.model_copy(update={"at": AT + timedelta(minutes=59)})
    late = START.model_copy(update={"at": AT + timedelta(minutes=59 + 61)})
    assert len(known(tmp_path, soon, lasting=timedelta(hours=1))) == 1
    assert len(known(tmp_path, soon)) == 1
    assert known(tmp_path, late, lasting=timedelta(hours=1)) == set()


@given(cut=st.integers(0, 900))
@settings(max_examples=40, deadline=None)
def test_a_torn_end_is_left_out_and_what_follows_is_whole(cut: int, tmp_path_factory) -> None:
    folder = tmp_path_factory.mktemp("runs")
    whole = written(START) + written(entry(1)) + written(entry(2))
    path(folder).write_bytes(whole[: min(cut, len(whole))])
    with Journal.open(folder, START) as found:
        before = {one.case for one in found.recall("evals/a").values()}
        found.write(entry(3))
    kept = whole[:cut].count(b"\n") - 1
    assert len(before) == max(0, kept)
    assert known(folder) == before | {case(3).content_hash}


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\xff\xfe\n",
        b"[" * 100_000,
        b'{"line": "answer"}',
        b'{"line": ["answer"]}',
        b"null",
        b'"answer"',
        written(entry()).replace(b'"score":1.0', b'"score":NaN'),
        written(entry()).replace(b'"score":1.0', b'"score":1.5'),
        written(entry()).replace(b'"score":1.0', b'"score":"1"'),
        written(entry()).replace(b'"score":1.0', b'"score":0.0,"score":1.0'),
        written(entry()).replace(b'"score":1.0', b'"score":1.0,"x":1'),
        written(entry()).replace(b'"candidate"', b'"both"'),
        b'{"line": "answer", "text": "' + b"x" * LINE_LIMIT + b'"}',
    ],
    ids=lambda line: str(line[:12]),
)
def test_a_damaged_line_was_not_answered_and_spoils_no_other(tmp_path: Path, line: bytes) -> None:
    assert read_line(line) is None
    path(tmp_path).write_bytes(
        written(START) + line.rstrip(b"\n") + b"\n" + written(entry(2)) + written(entry(3))[:-9]
    )
    assert known(tmp_path) == {case(2).content_hash}


def test_another_runs_journal_is_not_believed(tmp_path: Path) -> None:
    other = START.model_copy(update={"run": "c" * 64})
    path(tmp_path).write_bytes(written(other) + written(entry()))
    assert known(tmp_path) == set()
    path(tmp_path).write_bytes(written(entry()))
    assert known(tmp_path) == set()


def test_no_text_acts_and_each_comes_back_as_itself() -> None:
    found = Retrieved(NASTY, NASTY, NASTY * 1_000, 0.5)
    answer = Answer(NASTY, (found,) * 60, NASTY, NASTY, NASTY, 1.5, 2, 3, 4, None, True)
    graded = Graded("candidate", case(), 2, answer, CaseScore("c1", 0.25, False, (NASTY,) * 99))
    kept = Entry.of("evals/a", graded, AT)
    line = written(kept)
    assert line.count(b"\n") == 1 and len(line) < LINE_LIMIT
    assert not any(bad in line.decode() for bad in "\x1b\x07\u202e\u0085\x00")
    assert read_line(line) == kept
    back = kept.graded(case())
    assert back.answer.text == NASTY.replace("\udc80", "?")
    assert (back.score.score, back.repeat, back.answer.latency_ms, back.answer.cached) == (0.25, 2, 1.5, True)


def test_long_answers_are_cut_and_still_told_apart() -> None:
    one, other = (entry(text="\x00" * 3_000_000 + end) for end in "ab")
    assert one.text != other.text and len(one.text) < TEXT_KEPT + 50
    assert len(written(one)) < LINE_LIMIT


def test_of_two_lines_about_the_same_the_later_counts() -> None:
    first, second = entry(1, score=0.0), entry(1, score=1.0)
    assert list(entries([START, first, End(at=AT, outcome="x"), second]).values()) == [second]


def test_two_processes_are_not_at_the_same_run(tmp_path: Path) -> None:
    with Journal.open(tmp_path, START), pytest.raises(MachineryError, match="in another process"):
        Journal.open(tmp_path, START)
    Journal.open(tmp_path, START).close()


def test_a_symlink_is_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("precious")
    path(tmp_path).symlink_to(target)
    with pytest.raises(MachineryError, match="cannot be written"):
        Journal.open(tmp_path, START)
    assert target.read_text() == "precious"


def test_a_full_disk_costs_the_saving_not_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Journal.open(tmp_path, START) as found:
        found.write(entry(1))
        real = os.write
        monkeypatch.setattr(os, "write", lambda fd, data: real(fd, data[: len(data) // 2]))
        found.write(entry(2))
        monkeypatch.undo()
        found.write(entry(3))
    assert known(tmp_path) == {case(1).content_hash, case(3).content_hash}


def test_lines_reach_the_disk_in_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(journals, "SYNC_SECONDS", 30.0)
    monkeypatch.setattr(os, "fsync", lambda _: synced.append(1))
    with Journal.open(tmp_path, START) as found:
        for number in range(journals.SYNC_LINES):
            assert not synced
            found.write(entry(number))
        for _ in range(2_000):
            if synced:
                break
            found._syncing.join(0.005)
        assert len(synced) == 1
    assert len(synced) == 2


def test_old_journals_go_and_one_in_use_stays(tmp_path: Path) -> None:
    def made(number: int, days: float) -> Path:
        one = tmp_path / f"{number:064x}.jsonl"
        one.write_bytes(b"x\n")
        os.utime(one, ((AT - timedelta(days=days)).timestamp(),) * 2)
        return one

    files = [made(number, number * 10.0) for number in range(6)]
    used = START.model_copy(update={"run": f"{9:064x}"})
    with Journal.open(tmp_path, used) as held:
        os.utime(held.path, (0, 0))
        assert prune(tmp_path, AT) == 2  # of 40 and 50 days
        assert [one.exists() for one in files] == [True] * 4 + [False] * 2
        assert prune(tmp_path, AT, runs=2) == 2
        assert held.path.exists() and files[1].exists() and not files[2].exists()


def test_a_journal_reads_as_lines_of_json(tmp_path: Path) -> None:
    with Journal.open(tmp_path, START) as found:
        found.write(entry())
    lines = [json.loads(line) for line in path(tmp_path).read_text().splitlines()]
    assert [line["line"] for line in lines] == ["start", "answer"]
    with path(tmp_path).open("rb") as file:
        assert [type(line) for line in read_lines(file)] == [Start, Entry]
