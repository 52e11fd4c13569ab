"""Whether an environment may move forward now, and from when on."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from store.records.environment import Freeze
from store.records.window import DAYS, Window
from store.rules.windows import HORIZON, frozen

MONDAY = datetime(2026, 3, 2, 12, tzinfo=UTC)
WEEKEND = Window(days=("sat", "sun"), reason="nobody is here")
OFFICE = Window(
    rule="allow",
    days=("mon", "tue", "wed", "thu", "fri"),
    start="09:00",
    end="16:00",
    zone="Europe/Berlin",
    reason="office hours",
)


def told(now: datetime, *windows: Window, freezes: tuple[Freeze, ...] = ()) -> str:
    return str(frozen(freezes, windows, now) or "open")


def test_words() -> None:
    saturday = MONDAY + timedelta(days=5)
    assert told(MONDAY, WEEKEND) == "open"
    assert told(saturday, WEEKEND) == "frozen until 2026-03-09 00:00 UTC (nobody is here)"
    assert told(MONDAY, OFFICE) == "open"
    assert told(MONDAY + timedelta(hours=4), OFFICE) == (
        "frozen until 2026-03-03 08:00 UTC (outside of: office hours)"
    )
    lunch = Window(start="11:30", end="13:00", reason="lunch")
    assert told(MONDAY, OFFICE, lunch) == "frozen until 2026-03-02 13:00 UTC (lunch)", "deny beats allow"
    never = Window(reason="closed down")
    assert told(MONDAY, never) == "frozen for more than 60 days (closed down)"
    night = Window(start="22:00", end="06:00", reason="night")
    assert told(MONDAY.replace(hour=3), night) == "frozen until 2026-03-02 06:00 UTC (night)"
    fair = Window(since=date(2026, 3, 1), until=date(2026, 3, 4), reason="the fair")
    assert told(MONDAY, fair) == "frozen until 2026-03-05 00:00 UTC (the fair)"


def test_a_freeze_and_a_window_that_follows_it_are_one_wait() -> None:
    freeze = Freeze(reason="audit", since=MONDAY, until=MONDAY + timedelta(days=5))
    assert told(MONDAY, WEEKEND, freezes=(freeze,)) == "frozen until 2026-03-09 00:00 UTC (audit)"
    long = Freeze(reason="audit", since=MONDAY, until=MONDAY + timedelta(days=200))
    assert told(MONDAY, freezes=(long,)) == "frozen until 2026-09-18 12:00 UTC (audit)"


def test_clocks_that_go_forward_and_back() -> None:
    night = Window(start="02:30", end="05:00", zone="Europe/Berlin", reason="backup")
    forward = datetime(2026, 3, 29, 0, 0, tzinfo=UTC)  # 02:00 in Berlin becomes 03:00 at 01:00 UTC
    assert told(forward, night) == "open"
    assert told(forward + timedelta(minutes=90), night) == "frozen until 2026-03-29 03:00 UTC (backup)"
    back = datetime(2026, 10, 25, 0, 45, tzinfo=UTC)  # 02:45 in Berlin, for the first time
    assert told(back, night) == "frozen until 2026-10-25 04:00 UTC (backup)"


@st.composite
def windows(draw: st.DrawFn) -> Window:
    clock = st.times().map(lambda at: f"{at:%H:%M}")
    start = draw(clock)
    return Window(
        rule=draw(st.sampled_from(("deny", "allow"))),
        days=tuple(draw(st.lists(st.sampled_from(DAYS), min_size=1, max_size=7, unique=True))),
        start=start,
        end=draw(clock),
        zone=draw(st.sampled_from(("UTC", "Asia/Kathmandu", "Pacific/Auckland"))),
        reason="because",
    )


def by_hand(found: list[Window], at: datetime) -> bool:
    """Whether it is closed at `at`, from local wall clocks only (away from changes of clocks)."""

    def is_in(window: Window) -> bool:
        local = at.astimezone(ZoneInfo(window.zone))
        begins, ends = time.fromisoformat(window.start), time.fromisoformat(window.end)
        today, before = DAYS[local.weekday()], DAYS[local.weekday() - 1]
        now = local.time()
        if begins < ends:
            return today in window.days and begins <= now < ends
        return (today in window.days and now >= begins) or (before in window.days and now < ends)

    denied = any(one.rule == "deny" and is_in(one) for one in found)
    allowing = [one for one in found if one.rule == "allow"]
    return denied or (bool(allowing) and not any(map(is_in, allowing)))


@settings(max_examples=150)
@given(st.lists(windows(), min_size=1, max_size=4), st.integers(0, 7 * 24 * 60))
def test_it_is_closed_as_wall_clocks_say_and_opens_when_it_says(found: list[Window], minutes: int) -> None:
    now = datetime(2026, 5, 4, tzinfo=UTC) + timedelta(minutes=minutes)
    closed = frozen((), found, now)
    assert (closed is not None) == by_hand(found, now)
    if closed is None:
        return
    if closed.opens is None:
        assert all(by_hand(found, now + timedelta(hours=number)) for number in range(0, 8 * 24, 3))
    else:
        assert now < closed.opens <= now + HORIZON + timedelta(days=3)
        assert not by_hand(found, closed.opens)
        assert by_hand(found, closed.opens - timedelta(minutes=1))


@pytest.mark.parametrize(
    "given",
    [
        {"zone": "Europe/Atlantis"},
        {"zone": "../../etc/passwd"},
        {"zone": "/etc/localtime"},
        {"start": "24:00"},
        {"days": ()},
        {"days": ("caturday",)},
        {"reason": ""},
        {"since": date(2026, 3, 2), "until": date(2026, 3, 1)},
    ],
    ids=str,
)
def test_what_is_no_window_is_refused(given: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Window.model_validate({"reason": "because"} | given)
