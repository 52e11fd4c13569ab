"""state/drift.sqlite: every check with what was answered, and scores from before a change.

Local evidence: without it the tests of all baselines begin anew. Alarms are in the store.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evals.drift.calls import Round, Sample
from evals.drift.standing import Checked, Standing, standing_of
from lockgate_client import LockgateClientError, sqlite_file
from store.errors import MachineryError
from store.text import one_line

VERSION = 1
APPLICATION_ID = 0x4C4F4744
_BUSY_MS = 10_000

_SCHEMA = """
create table checks (
  id integer primary key autoincrement,
  baseline text not null,                -- its id
  at real not null,                      -- seconds since 1970
  p real,                                -- null: too few rounds, nothing is concluded
  rounds text not null,                  -- json; empty where p is null
  returned text not null,                -- json: names by which the model called itself
  strangers text not null,               -- json: those that are not the pin's
  fingerprints text not null,            -- json
  failures integer not null
);
create index checks_by_baseline on checks (baseline, id);
create table scores (                    -- of single answers to cases of a suite
  id integer primary key autoincrement,
  baseline text not null,
  run text not null,                     -- before: from when the baseline was taken; else the time of the run
  at real not null,
  release text not null,                 -- rN
  suite text not null,                   -- evals/name@vN
  case_hash text not null,
  score real not null
);
create index scores_by_run on scores (baseline, run);
"""


def _nothing(_: sqlite3.Connection) -> None:
    return None


_LAYOUT = sqlite_file.Layout(APPLICATION_ID, VERSION, _SCHEMA, _nothing)
BEFORE = "before"
"""The run that a baseline was taken with."""


@dataclass(frozen=True, slots=True)
class Run:
    """One time that suites were asked."""

    name: str
    """BEFORE, or the time."""
    at: float
    """Seconds since 1970."""
    release: str


@dataclass(frozen=True, slots=True)
class Score:
    """The score of one answer."""

    suite: str
    """`evals/name@vN`."""
    case_hash: str
    score: float


Judge = Callable[[tuple[Round, ...], int], float | None]
"""The p-value of a sample, given the rounds of all checks before and the number of this one."""


class DriftFile:
    """One drift.sqlite. Safe to use from several processes: each call opens it anew.

    Every method raises MachineryError when the file cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def standing(self, baseline: str) -> Standing:
        """What is known on `baseline`."""
        if not self.path.exists():
            return standing_of(())
        with self._opened() as connection:
            rows = connection.execute(
                "select at, p, returned, strangers, fingerprints, failures from checks"
                " where baseline = ? order by id",
                (baseline,),
            ).fetchall()
        checks = tuple(
            Checked(at, p, _names(returned), _names(strangers), _names(fingerprints), failures)
            for at, p, returned, strangers, fingerprints, failures in rows
        )
        return standing_of(checks)

    def add(self, baseline: str, at: float, sample: Sample, judge: Judge) -> None:
        """Judges `sample` by all checks before it and keeps both, in one transaction: of two checks at
        once, the second is judged by the first."""
        with self._transaction() as connection:
            rows = connection.execute(
                "select rounds from checks where baseline = ? and p is not null order by id", (baseline,)
            ).fetchall()
            before = tuple(one for row in rows for one in _rounds(row[0]))
            p = None if sample.strangers else judge(before, len(rows) + 1)
            connection.execute(
                "insert into checks (baseline, at, p, rounds, returned, strangers, fingerprints, failures)"
                " values (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    baseline,
                    at,
                    p,
                    json.dumps(sample.rounds if p is not None else ()),
                    *(json.dumps(one) for one in (sample.returned, sample.strangers, sample.fingerprints)),
                    sample.failures,
                ),
            )

    def keep_scores(self, baseline: str, run: Run, scores: Iterable[Score]) -> None:
        """Keeps the scores of `run` in place of those that it has."""
        with self._transaction() as connection:
            connection.execute("delete from scores where baseline = ? and run = ?", (baseline, run.name))
            connection.executemany(
                "insert into scores (baseline, run, at, release, suite, case_hash, score)"
                " values (?, ?, ?, ?, ?, ?, ?)",
                [
                    (baseline, run.name, run.at, run.release, one.suite, one.case_hash, one.score)
                    for one in scores
                ],
            )

    def runs(self, baseline: str) -> tuple[Run, ...]:
        """The runs of suites since `baseline`, oldest first, and the one from before."""
        if not self.path.exists():
            return ()
        with self._opened() as connection:
            rows = connection.execute(
                "select distinct run, at, release from scores where baseline = ? order by at", (baseline,)
            ).fetchall()
        return tuple(Run(*row) for row in rows)

    def scores(self, baseline: str, run: str) -> tuple[Score, ...]:
        """The scores of a run; empty where there are none."""
        if not self.path.exists():
            return ()
        with self._opened() as connection:
            rows = connection.execute(
                "select suite, case_hash, score from scores where baseline = ? and run = ? order by id",
                (baseline, run),
            ).fetchall()
        return tuple(Score(*row) for row in rows)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._opened() as connection:
            connection.execute("begin immediate")
            try:
                yield connection
            except BaseException:
                if connection.in_transaction:
                    connection.execute("rollback")
                raise
            connection.execute("commit")

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        connection: sqlite3.Connection | None = None
        try:
            connection = sqlite_file.connect(self.path, _LAYOUT)
            connection.execute(f"pragma busy_timeout = {_BUSY_MS}")
            yield connection
        except LockgateClientError as error:
            raise MachineryError(one_line(f"{error}.", 400)) from None
        except (sqlite3.Error, OSError, ValueError, TypeError) as error:
            raise MachineryError(
                f"{self.path} cannot be used ({one_line(str(error))}). Where it is damaged, move it away: "
                "the checks of every baseline begin anew."
            ) from None
        finally:
            if connection is not None:
                connection.close()


def _list(text: str) -> list[Any]:
    value = json.loads(text)
    if not isinstance(value, list):
        raise ValueError("a list is damaged")
    return value


def _names(text: str) -> tuple[str, ...]:
    return tuple(map(str, _list(text)))


def _rounds(text: str) -> tuple[Round, ...]:
    return tuple(
        tuple(tuple((str(token), float(logprob)) for token, logprob in call) for call in one)
        for one in _list(text)
    )
