"""The rules alone: how long something was seen idle whatever clocks do, and what status follows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from store.boot_clock import BootTime
from store.records.keeping import Archive, Keeping, Mark
from store.rules.ageing import Ages, age, looked
from store.rules.index_status import IndexStatus
from store.rules.retention import told

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
WEEK = timedelta(days=7)
ULID = "0" * 26
ROW = "handbook:sha256:1"

hours = st.integers(1, 24 * 30)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("wait"), hours),
        st.tuples(st.just("set"), st.integers(-24 * 400, 24 * 400)),
        st.tuples(st.just("off"), hours),
        st.tuples(st.just("served"), st.just(0)),
        st.tuples(st.just("look"), st.just(0)),
    ),
    max_size=40,
)


@given(steps)
def test_nothing_is_older_than_the_time_that_went_by_since_it_served(taken: list[tuple[str, int]]) -> None:
    wall, boot, true, served, serving = START, BootTime("0", 5.0), 0, 0, 0
    ages = looked(Ages(), {ROW: "0"}, wall, boot)
    for what, count in taken:
        if what == "wait":
            true += count
            wall += timedelta(hours=count)
            boot = BootTime(boot.boot, boot.seconds + count * 3600)
        elif what == "set":
            wall += timedelta(hours=count)
        elif what == "off":
            true += count
            wall += timedelta(hours=count)
            boot = BootTime(str(int(boot.boot) + 1), 3.0)
        elif what == "served":
            served, serving = true, serving + 1
        else:
            ages = looked(ages, {ROW: str(serving)}, wall, boot)
            assert age(ages, ROW) <= timedelta(hours=true - served)


@given(st.lists(st.integers(1, 100), min_size=1, max_size=20))
def test_a_machine_that_stays_up_counts_all_of_it(waits: list[int]) -> None:
    wall, boot = START, BootTime("0", 5.0)
    ages = looked(Ages(), {ROW: ""}, wall, boot)
    for count in waits:
        wall += timedelta(hours=count)
        boot = BootTime("0", boot.seconds + count * 3600)
        ages = looked(ages, {ROW: ""}, wall, boot)
    assert age(ages, ROW) == timedelta(hours=sum(waits)) and not ages.distrust
    assert age(looked(ages, {}, wall, boot), ROW) == timedelta(0), "it is needed again"


def test_clocks_that_part_are_distrusted_for_a_day_of_this_machine() -> None:
    ages = looked(Ages(), {ROW: ""}, START, BootTime("0", 0.0))
    jumped = looked(ages, {ROW: ""}, START + WEEK, BootTime("0", 3600.0))
    assert jumped.distrust == 24 * 3600 and "2026-03-08 12:00 UTC while 1:00:00 went by" in jumped.trouble
    later = looked(jumped, {ROW: ""}, START + WEEK + timedelta(hours=23), BootTime("0", 24 * 3600.0))
    assert later.distrust == 3600 and later.trouble == jumped.trouble
    over = looked(later, {ROW: ""}, START + WEEK + timedelta(hours=25), BootTime("0", 26 * 3600.0))
    assert not over.distrust and not over.trouble


@given(st.integers(-24 * 30, 24 * 30), st.booleans(), st.booleans(), st.booleans())
def test_a_status_follows_from_records_and_a_time(left: int, marked: bool, packed: bool, kept: bool) -> None:
    now = START
    served = now - WEEK + timedelta(hours=left)
    plain = IndexStatus("archived", last_served=served)
    keeping = Keeping(
        index="handbook",
        version="v1",
        mark=Mark(at=now, record=ULID, last_served=served) if marked else None,
        archive=Archive(at=now, record=ULID, digest=f"sha256:{'1' * 64}", size=5, sha256="2" * 64)
        if packed
        else None,
    )
    found = told(plain, ("pinned",) if kept else (), keeping, now, WEEK)
    if packed:
        assert (found.status, found.phase, found.packed) == ("archived", "packed", 5)
    elif left > 0:
        assert (found.status, found.left) == ("rollback_ready", min(timedelta(hours=left), WEEK))
    elif kept:
        assert (found.status, found.left, found.kept) == ("rollback_ready", None, ("pinned",))
    else:
        assert (found.status, found.phase) == ("archived", "marked" if marked else "over")
