"""Roll-ups against a plain recount, whatever comes in whatever order, and whoever counts."""

from __future__ import annotations

import multiprocessing
import sqlite3
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.live import rollup
from evals.live.evidence import Evidence, HarmfulFlag, Minute, Stage, Window
from evals.live.rollup import catch_up
from evals.live.rollup_fold import Facts, Raw, Thresholds, amended
from evals.live.rollup_latency import GAMMA, level, middle, quantile
from evals.live.rollup_schema import opened
from evals.live.rollup_thresholds import recount
from evals.live.sqlite_source import SqliteSource
from lockgate_client import Amendment, Observation
from tests.live.making_observations import NOON, later, seen, write

WINDOWS = [
    Window("production", "r2", "r1", (Stage(10, 5.0, slow), Stage(12, 25.0, slow)), sla)
    for slow, sla in ((None, 500.0), (300.0, None), (300.0, 500.0))
]


def recounted(rows: list[Observation | Amendment], window: Window) -> Evidence:
    """The evidence by the plainest way: all rows at once, nothing kept."""
    amendments: dict[str, list[Amendment]] = defaultdict(list)
    first: dict[str, Observation] = {}
    for row in rows:
        if isinstance(row, Amendment):
            amendments[row.request_id].append(row)
        else:
            first.setdefault(row.request_id, row)
    counts: dict[tuple[int, str, int], list[int]] = defaultdict(lambda: [0] * 7)
    stable: dict[tuple[int, str, int], list[int]] = defaultdict(lambda: [0] * 7)
    flags = []
    for row in first.values():
        stage = 0 if row.generation < window.stages[1].generation else 1
        said = amendments[row.request_id]
        feedback = ([row.feedback] + [one.feedback for one in said if one.feedback is not None])[-1]
        slow = window.stages[stage].slow_ms
        new = [
            1, row.error, window.sla_ms is not None and (row.latency_ms or 0) > window.sla_ms,
            slow is not None and (row.latency_ms or 0) > slow, row.latency_ms is not None,
            feedback == -1, feedback == 1,
        ]  # fmt: skip
        if row.arm != "stable":
            slot = (int(row.at // 60), row.arm, stage)
            counts[slot] = [a + b for a, b in zip(counts[slot], new, strict=True)]
        if row.arm != "canary":
            slot = (int(row.at // 60), "control", stage)
            stable[slot] = [a + b for a, b in zip(stable[slot], new, strict=True)]
        if row.arm == "canary" and (row.harmful or any(one.harmful or one.confirmed for one in said)):
            confirmed = ([None] + [one.confirmed for one in said if one.confirmed is not None])[-1]
            flags.append(HarmfulFlag(row.request_id, row.at, confirmed))
    return Evidence(
        minutes=tuple(Minute(*slot, *counts[slot]) for slot in sorted(counts)),  # type: ignore[arg-type]
        flags=tuple(sorted(flags, key=lambda flag: (flag.at, flag.request_id))),
        stable=tuple(Minute(*slot, *stable[slot]) for slot in sorted(stable)),  # type: ignore[arg-type]
    )


def without_thumbs(one: Minute) -> Minute:
    return replace(one, thumbs_up=0, thumbs_down=0)


def thumbs(minutes: tuple[Minute, ...]) -> Counter[tuple[str, int]]:
    found: Counter[tuple[str, int]] = Counter()
    for one in minutes:
        found[one.arm, one.stage] += one.thumbs_up + one.thumbs_down
    return +found


def users_with_thumbs(rows: list[Observation | Amendment]) -> set[tuple[str, int, str]]:
    first: dict[str, Observation] = {}
    for row in rows:
        if isinstance(row, Observation):
            first.setdefault(row.request_id, row)
    given = {row.request_id for row in rows if row.feedback is not None and isinstance(row, Amendment)}
    given |= {id for id, row in first.items() if row.feedback is not None}
    return {(row.arm, row.generation, str(row.unit)) for id, row in first.items() if id in given}


def scored_users(rows: list[Observation | Amendment]) -> dict[tuple[str, int, str], set[float]]:
    """Every value that a user's score may have, by arm, stage and user."""
    values: dict[tuple[str, int, str], set[float]] = defaultdict(set)
    firsts: dict[str, Observation] = {}
    for row in rows:
        if isinstance(row, Observation):
            firsts.setdefault(row.request_id, row)
    for row in rows:
        seen_row = firsts.get(row.request_id)
        if seen_row is not None and seen_row.arm != "stable":
            quality = row.quality if row is seen_row or isinstance(row, Amendment) else None
            if quality is not None:
                user = (seen_row.arm, int(seen_row.generation >= 12), str(seen_row.unit))
                values[user].add(quality)
    return values


IN_MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
"""Each write is synced, which a disk takes its time for."""

ids = st.integers(0, 12).map(str)
observed = st.builds(
    seen,
    ids,
    st.sampled_from(["canary", "control", "stable"]),
    st.integers(10, 13),
    at=st.integers(0, 400).map(lambda second: NOON + second / 2),
    unit=st.sampled_from("abc"),
    latency_ms=st.none() | st.sampled_from([0.0, 300.0, 301.0, 499.0, 500.0, 501.0]),
    error=st.booleans(),
    category=st.sampled_from(["", "billing", "travel"]),
    quality=st.none() | st.sampled_from([0.0, 0.25, 1.0]),
    harmful=st.none() | st.booleans(),
    feedback=st.none() | st.sampled_from([1, -1]),
    tokens=st.none() | st.integers(0, 9),
)
said_later = st.builds(
    later,
    ids,
    quality=st.none() | st.sampled_from([0.0, 0.5, 1.0]),
    harmful=st.none() | st.booleans(),
    confirmed=st.none() | st.booleans(),
    feedback=st.none() | st.sampled_from([1, -1]),
    tokens=st.none() | st.integers(0, 9),
)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.lists(observed | said_later, max_size=12)),
        st.tuples(st.just("count"), st.integers(1, 5)),
        st.tuples(st.just("look"), st.integers(0, 2)),
    ),
    max_size=12,
)


@settings(max_examples=60, deadline=None)
@given(steps)
def test_roll_ups_are_what_a_recount_of_everything_gives(program: list[tuple[str, Any]]) -> None:
    rows: list[Observation | Amendment] = []
    with tempfile.TemporaryDirectory(dir=IN_MEMORY) as folder:
        path = Path(folder) / "observations.sqlite"
        for step, argument in [*program, ("look", 0), ("look", 1)]:
            if step == "write":
                write(path, argument)
                rows += [row for row in argument if isinstance(row, Observation)]
                rows += [row for row in argument if isinstance(row, Amendment)]
            elif step == "count" and path.exists():
                with opened(path) as connection:
                    catch_up(connection, piece=argument)
            elif step == "look":
                compare(SqliteSource(path).evidence(WINDOWS[argument], NOON + 999), rows, WINDOWS[argument])
        if path.exists():
            categories_add_up(path)


def compare(found: Evidence, rows: list[Observation | Amendment], window: Window) -> None:
    wanted = recounted(rows, window)
    assert [without_thumbs(one) for one in found.minutes] == [without_thumbs(one) for one in wanted.minutes]
    assert [without_thumbs(one) for one in found.stable] == [without_thumbs(one) for one in wanted.stable]
    assert thumbs(found.minutes) == Counter(
        (arm, int(generation >= 12)) for arm, generation, _ in users_with_thumbs(rows) if arm != "stable"
    ), "one thumb for each user of a generation who gave any"
    assert found.flags == wanted.flags
    possible = scored_users(rows)
    scored = {(one.arm, one.stage) for one in found.scores}
    assert scored == {(arm, stage) for arm, stage, _ in possible}
    assert len(found.scores) == len(possible), "one score for each user who has any"
    assert all(one.value in set().union(*possible.values()) for one in found.scores)
    assert list(found.scores) == sorted(found.scores, key=lambda one: one.at)


def categories_add_up(path: Path) -> None:
    connection = sqlite3.connect(path)
    columns = "requests, errors, timed, over_sla, slow, thumbs_up, thumbs_down, harmful, scored, tokens"
    sums = ", ".join(f"sum({name})" for name in columns.split(", "))
    query = f"select series, minute, {sums} from minutes where category {{}} 0 group by 1, 2"
    whole, parts = (connection.execute(query.format(sign)).fetchall() for sign in ("=", ">"))
    assert whole == parts
    (requests, tokens) = connection.execute(
        "select coalesce(sum(requests), 0), coalesce(sum(tokens), 0) from minutes where category = 0"
    ).fetchone()
    raw = connection.execute("select count(*), coalesce(sum(tokens), 0) from observations").fetchone()
    assert (requests, tokens) == raw, "amended rows and roll-ups say the same"


def _count(path: str, piece: int, until: int = 0) -> None:
    with opened(Path(path)) as connection:
        catch_up(connection, piece)
        while connection.execute("select observations from rolled").fetchone()[0] < until:
            catch_up(connection, piece)


def test_several_controllers_count_each_observation_once(tmp_path: Path) -> None:
    path = tmp_path / "observations.sqlite"
    rows = [
        seen(str(number), ("canary", "control")[number % 2], at=NOON + number % 500, feedback=-1, tokens=1)
        for number in range(6000)
    ]
    write(path, rows[:3000])
    context = multiprocessing.get_context("fork")
    counters = [
        context.Process(target=_count, args=(str(path), piece, 6000), daemon=True)
        for piece in (53, 71, 89, 97)
    ]
    for counter in counters:
        counter.start()
    for start in range(3000, 6000, 100):
        write(path, rows[start : start + 100])
        write(path, [later(str(number), feedback=1) for number in range(start - 3000, start - 2900)])
    for counter in counters:
        counter.join(60)
        assert counter.exitcode == 0
    found = SqliteSource(path).evidence(WINDOWS[0], NOON + 999)
    assert sum(one.requests for one in found.minutes) == 6000
    assert sum(one.thumbs_up for one in found.minutes) == 3000
    assert sum(one.thumbs_down for one in found.minutes) == 3000
    passes = sqlite3.connect(path).execute("select passes from rolled").fetchone()[0]
    assert passes >= 6000 / 97


def test_a_pass_that_another_overtook_is_thrown_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "observations.sqlite"
    write(path, [seen(str(number)) for number in range(10)])
    assert overtaken(path, monkeypatch, lambda _: _count(str(path), 100)) == [False]
    found = SqliteSource(path).evidence(WINDOWS[0], NOON + 999)
    assert [one.requests for one in found.minutes] == [10]


def test_a_pass_that_counted_by_old_thresholds_is_thrown_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "observations.sqlite"
    write(path, [seen("1", latency_ms=400)])
    _count(str(path), 100)
    write(path, [seen("2", latency_ms=400)])
    new = Thresholds(None, 300.0)
    assert overtaken(path, monkeypatch, lambda connection: recount(connection, {1: new})) == [False, True]
    found = SqliteSource(path).evidence(WINDOWS[1], NOON + 999)
    assert [one.slow for one in found.minutes] == [2]


def overtaken(
    path: Path, monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[sqlite3.Connection], None]
) -> list[bool]:
    """Counts, with something happening between the first pass's reading and its writing; what was written."""
    write_pass = rollup._write
    written: list[bool] = []

    def late(connection: sqlite3.Connection, found: Any) -> bool:
        if not written:
            with monkeypatch.context() as patch:
                patch.setattr(rollup, "_write", write_pass)
                meanwhile(connection)
        written.append(write_pass(connection, found))
        return written[-1]

    with monkeypatch.context() as patch:
        patch.setattr(rollup, "_write", late)
        _count(str(path), 100)
    return written


maybe = st.none() | st.booleans().map(int)
facts = st.builds(
    Facts,
    st.none() | st.floats(0, 1),
    maybe,
    maybe,
    st.none() | st.sampled_from([1, -1]),
    st.none() | st.integers(0, 9),
    st.none() | st.floats(0, 9),
)
RAW = Raw(1, "1", "production", 1, "r1", "canary", NOON, None, "", None, 0, *[None] * 6)


@given(st.lists(facts, max_size=6))
def test_amending_keeps_the_first_quality_and_every_flag_and_says_the_same_twice(said: list[Facts]) -> None:
    row = RAW
    for one in said:
        row = amended(row, one)
        assert amended(row, one) == row, "hearing the same again changes nothing"
    assert row.quality == next((one.quality for one in said if one.quality is not None), None)
    assert row.feedback == next((one.feedback for one in reversed(said) if one.feedback is not None), None)
    assert (row.harmful == 1) == any(1 in (one.harmful, one.confirmed) for one in said)
    assert row[:11] == RAW[:11]


@given(st.lists(st.floats(0.001, 1e9), min_size=1, max_size=300), st.floats(0, 1))
def test_quantiles_are_within_one_percent(latencies: list[float], q: float) -> None:
    counts: dict[int, int] = defaultdict(int)
    for one in latencies:
        counts[level(one)] += 1
    rank = max(1, -int(-q * len(latencies) // 1))
    exact = sorted(latencies)[min(rank, len(latencies)) - 1]
    assert quantile(counts, q) == pytest.approx(exact, rel=(GAMMA - 1) / (GAMMA + 1) + 1e-9)


def test_the_ends_of_the_histogram() -> None:
    assert level(0.0) == level(0.0005) == level(0.001)
    assert middle(level(0.0)) == pytest.approx(0.001, rel=0.01)
    with pytest.raises(ValueError, match="no latencies"):
        quantile({}, 0.5)
