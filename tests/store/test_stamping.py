"""Times and ids of new records: they rise, and a clock that was wrong once is not followed for ever."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ulid import ULID

from console.operations.init import init
from store.bounded import write_toml
from store.clock import FixedClock, from_epoch
from store.errors import InputError
from store.records.operation import Operation
from store.snapshot import record_path
from store.stamping import TOLERATED, Stamped, clock_trouble, in_order, next_id, next_record
from store.workspace import Workspace
from tests.store.test_commit_path import ANA, AT
from tests.store.test_rules import R1, R2, verdict

SECOND = timedelta(seconds=1)
YEAR = timedelta(days=365)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return init(tmp_path / "acme", clock=FixedClock(AT))


def land(workspace: Workspace, now: datetime) -> Stamped:
    """A record as an operation makes it when this machine's clock says `now`."""
    store = workspace.store
    made = next_record(store.at(), now)
    operation = Operation(id=made.id, kind="policy", at=made.at, by=ANA, summary="x")
    with store.writing() as writer:
        files = {record_path(made.id): write_toml(operation)}
        writer.commit(store.tip(), files, f"x\n\nLockgate-Op: {made.id}\n", ANA, made.at)
    return made


def by_hand(workspace: Workspace, at: datetime) -> None:
    with workspace.store.writing() as writer:
        writer.commit(workspace.store.tip(), {"README.md": str(at).encode()}, "By hand\n", ANA, at)


def test_ids_rise_however_fast_and_through_a_clock_that_goes_back(workspace: Workspace) -> None:
    steps = [0, 0, 0, 1, -1, -2, 0, 60, -200, -200, 5, 0]
    made = [land(workspace, AT + step * SECOND) for step in steps]
    ids = [one.id for one in made]
    assert ids == sorted(set(ids))
    for one, step in zip(made, steps, strict=True):
        assert one.warning is None and one.at >= AT + step * SECOND
        assert workspace.store.at().operation(one.id) is not None


def test_a_commit_far_ahead_is_not_followed(workspace: Workspace) -> None:
    by_hand(workspace, AT + 4 * YEAR)
    made = land(workspace, AT + SECOND)
    assert made.at == AT + SECOND
    assert made.warning is not None and "2030" in made.warning and "2026-03-01 12:00" in made.warning
    after = land(workspace, AT + 2 * SECOND)
    assert (after.at, after.warning) == (AT + 2 * SECOND, None) and after.id > made.id


def test_a_record_far_ahead_pins_neither_times_nor_ids(workspace: Workspace) -> None:
    ahead = land(workspace, AT + 4 * YEAR)
    made = [land(workspace, AT + n * SECOND) for n in range(1, 5)]
    assert [one.at for one in made] == [AT + n * SECOND for n in range(1, 5)]
    ids = [one.id for one in made]
    assert ids == sorted(ids) and ids[-1] < ahead.id
    assert [bool(one.warning) for one in made] == [True, False, False, False]
    assert record_path(made[0].id).startswith("records/2026/03/")


@pytest.mark.parametrize("ahead", [-600, -1, 0, 1, 60, 299, 300, 301, 600])
def test_a_little_ahead_is_followed_and_more_is_told(workspace: Workspace, ahead: int) -> None:
    now = AT - ahead * SECOND
    made = next_record(workspace.store.at(), now)
    told = clock_trouble(workspace.store.at(), now)
    assert made.warning == told
    if ahead * SECOND > TOLERATED:
        assert told is not None and made.at == now
    else:
        assert told is None and made.at == max(now, AT + timedelta(milliseconds=1))


def text_of(number: int) -> str:
    return str(ULID(number.to_bytes(16, "big")))


@given(st.datetimes(datetime(1970, 1, 2), datetime(9999, 1, 1)), st.integers(0, 2**128 - 1).map(text_of))
def test_the_next_id_sorts_behind_any_other(at: datetime, after: str) -> None:
    at = at.replace(tzinfo=UTC)
    try:
        made = next_id(at, after)
    except InputError:
        assert after.startswith("7ZZZZZZZZZ")
        return
    assert made > after and len(made) == 26
    assert made[:10] >= next_id(at)[:10]  # the time


def test_two_clones_that_go_on_from_the_same_record_meet_on_no_id() -> None:
    after = next_id(AT + TOLERATED)
    assert len({next_id(AT, after) for _ in range(100)}) == 100
    with pytest.raises(InputError, match="no id behind"):
        next_id(AT, "7" + "Z" * 25)


def test_the_verdict_that_is_committed_last_is_the_newest(workspace: Workspace) -> None:
    """Whatever the clock said when it was made, and where an earlier one was made years ahead."""
    store = workspace.store
    made = [verdict(R2, R1, id=next_id(AT + delta), at=AT + delta) for delta in (4 * YEAR, SECOND, SECOND)]
    for one in made:
        placed = in_order(store.at(), "r2", (one,))
        assert [p.model_copy(update={"id": one.id}) for p in placed] == [one]
        with store.writing() as writer:
            files = {f"verdicts/r2/{p.id}.toml": write_toml(p) for p in placed}
            writer.commit(store.tip(), files, "x\n", ANA, AT)
        assert store.at().verdicts("r2")[0] == placed[-1]
    kept = store.at().verdicts("r2")
    assert [one.at for one in kept] == [one.at for one in reversed(made)]
    assert in_order(store.at(), "r3", made[1:2]) == tuple(made[1:2])
    both = in_order(store.at(), "r2", made[1:])
    assert kept[0].id < both[0].id < both[1].id


def test_a_commit_of_no_calendar_is_read() -> None:
    assert from_epoch(10**18).year == 9999 and from_epoch(-(10**18)).year == 1970
    assert from_epoch(0.5) == datetime(1970, 1, 1, 0, 0, 0, 500_000, tzinfo=UTC)
