"""SqliteSource: from what clients wrote to evidence."""

from __future__ import annotations

import dataclasses
import math
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from evals.live import sqlite_source_evidence
from evals.live.evidence import Evidence, HarmfulFlag, Minute, ObservationSource, Score, Stage, Window
from evals.live.rollup_latency import Latency
from evals.live.sqlite_source import P99_REQUESTS, SqliteSource
from lockgate_client.intake import SCHEMA_VERSION, Intake, connect
from store.errors import MachineryError
from tests.live.making_observations import NOON, WINDOW, later, seen, write

MINUTE = int(NOON // 60)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "observations.sqlite"


def evidence(path: Path, window: Window = WINDOW, now: float = NOON + 600) -> Evidence:
    source: ObservationSource = SqliteSource(path)
    return source.evidence(window, now)


def test_a_file_that_is_not_there_is_no_data_and_is_not_made(path: Path) -> None:
    found = evidence(path)
    assert found.minutes == found.scores == found.flags == () and found.newest is None
    assert "there is no" in found.notes[0] and str(path) in found.notes[0]
    assert SqliteSource(path).stable_p99("production", "r1", NOON) is None
    assert SqliteSource(path).latency("production", "r1", "stable", NOON) is None
    assert SqliteSource(path).prune(NOON).observations == 0
    assert not path.exists()


def test_a_folder_that_may_not_be_looked_into_is_a_machinery_error(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Path) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "exists", refuse)
    with pytest.raises(MachineryError, match=r"cannot be read \(Permission denied\)"):
        evidence(path)


def test_an_empty_file_is_no_data(path: Path) -> None:
    path.touch()
    assert evidence(path) == Evidence()


def test_each_minute_arm_and_stage_is_counted_by_itself(path: Path) -> None:
    write(
        path,
        [
            seen("1", latency_ms=700, category="billing"),
            seen("2", latency_ms=850, error=True),
            seen("3", latency_ms=1001, feedback=-1, category="travel"),
            seen("4", at=NOON + 59.9, feedback=1),
            seen("5", at=NOON + 60),
            seen("6", "control", latency_ms=5000),
            seen("7", "stable", error=True, latency_ms=801),
            seen("8", generation=25, latency_ms=850),
            seen("9", "control", generation=20, latency_ms=950),
        ],
    )
    found = evidence(path)
    assert found.minutes == (
        Minute(MINUTE, "canary", 0, 4, errors=1, over_sla=1, slow=2, timed=3, thumbs_down=1, thumbs_up=1),
        Minute(MINUTE, "canary", 1, requests=1, timed=1),
        Minute(MINUTE, "control", 0, requests=1, over_sla=1, slow=1, timed=1),
        Minute(MINUTE, "control", 1, requests=1, slow=1, timed=1),
        Minute(MINUTE + 1, "canary", 0, requests=1),
    )  # fmt: skip
    assert found.stable == (
        Minute(MINUTE, "control", 0, requests=2, errors=1, over_sla=1, slow=2, timed=2),
        Minute(MINUTE, "control", 1, requests=1, slow=1, timed=1),
    )
    assert found.newest == NOON + 60 and found.notes == ()


def test_a_stage_lasts_until_the_next_and_the_attempt_until_it_ended(path: Path) -> None:
    write(path, [seen(str(generation), generation=generation) for generation in (9, 10, 15, 19, 20, 29, 30)])
    assert [(one.stage, one.requests) for one in evidence(path).minutes] == [(0, 3), (1, 3)]
    ended = dataclasses.replace(WINDOW, ended_generation=29)
    assert [(one.stage, one.requests) for one in evidence(path, ended).minutes] == [(0, 3), (1, 1)]


def test_only_this_attempts_releases_and_environment_count(path: Path) -> None:
    write(
        path,
        [
            seen("1", release="r3"),
            seen("2", environment="staging", at=NOON + 300),
            seen("3", "control", release="r3"),
            seen("4", "stable", release="r3"),
            seen("5"),
        ],
    )
    found = evidence(path)
    assert [(one.arm, one.requests) for one in found.minutes] == [("canary", 1)]
    assert found.stable == () and found.newest == NOON


def test_after_the_last_step_the_canarys_release_is_still_watched_as_stable(path: Path) -> None:
    watched = Window("production", "r2", "r1", (Stage(10, 50.0), Stage(20, 100.0)))
    write(path, [seen("1"), seen("2", "stable", generation=30, release="r2", quality=1.0, harmful=True)])
    found = evidence(path, watched)
    assert [(one.arm, one.stage, one.requests) for one in found.minutes] == [
        ("canary", 0, 1),
        ("canary", 1, 1),
    ]
    assert [one.arm for one in found.scores] == ["canary"] and len(found.flags) == 1


def test_a_release_against_itself_is_told_apart_by_arm(path: Path) -> None:
    same = dataclasses.replace(WINDOW, release="r1")
    write(path, [seen("1", release="r1"), seen("2", "control"), seen("3", "stable")])
    found = evidence(path, same)
    assert [(one.arm, one.requests) for one in found.minutes] == [("canary", 1), ("control", 1)]
    assert [one.requests for one in found.stable] == [2]


def test_the_first_scored_answer_of_a_user_in_a_stage_and_arm_counts(path: Path) -> None:
    write(
        path,
        [
            seen("1", unit="ana", quality=0.9, category="billing"),
            seen("2", unit="ana", quality=0.1),
            seen("3", unit="ben"),
            seen("4", unit="ben", quality=0.3, at=NOON + 5),
            seen("5", unit="ana", quality=0.2, generation=12, at=NOON + 6),
            seen("6", unit="cleo", quality=0.4, generation=12, at=NOON + 2),
            seen("7", unit="ana", quality=0.6, generation=20, at=NOON + 9),
            seen("8", "control", unit="ana", quality=0.7, at=NOON + 7),
            seen("9", "stable", unit="dora", quality=0.8),
            seen("10", unit=None, quality=0.0),
        ],
    )
    assert evidence(path).scores == (
        Score(NOON, "canary", 0, 0.9, "billing"),
        Score(NOON + 2, "canary", 0, 0.4),
        Score(NOON + 5, "canary", 0, 0.3),
        Score(NOON + 7, "control", 0, 0.7),
        Score(NOON + 9, "canary", 1, 0.6),
    )


def test_a_quality_that_comes_late_is_of_the_answers_time_and_never_changes(path: Path) -> None:
    write(path, [seen("1", unit="ana"), seen("2", unit="ana", at=NOON + 60)])
    write(path, [later("2", quality=0.5, at=NOON + 300)])
    assert evidence(path).scores == (Score(NOON + 60, "canary", 0, 0.5),)
    write(path, [later("2", quality=0.9), later("1", quality=0.1)])
    assert evidence(path).scores == (Score(NOON + 60, "canary", 0, 0.5),)


def test_a_harmful_answer_is_flagged_and_then_confirmed_or_cleared(path: Path) -> None:
    write(
        path,
        [seen("a", harmful=True), seen("b", harmful=False), seen("c"), seen("d", "control", harmful=True)],
    )
    assert evidence(path).flags == (HarmfulFlag("a", NOON, None),)
    write(path, [later("a", confirmed=False), later("c", harmful=True), later("b", confirmed=True)])
    assert evidence(path).flags == (
        HarmfulFlag("a", NOON, False),
        HarmfulFlag("b", NOON, True),
        HarmfulFlag("c", NOON, None),
    )
    write(path, [later("a", harmful=False), later("c", confirmed=True)])
    assert [one.confirmed for one in evidence(path).flags] == [False, True, True], "a flag is not taken back"


def test_late_feedback_is_counted_in_the_minute_of_its_request_and_may_change(path: Path) -> None:
    write(path, [seen("1"), seen("2", at=NOON + 120, feedback=1)])
    assert [(one.thumbs_up, one.thumbs_down) for one in evidence(path).minutes] == [(0, 0), (1, 0)]
    write(path, [later("1", feedback=-1, at=NOON + 400), later("2", feedback=-1), later("2", feedback=-1)])
    assert [(one.thumbs_up, one.thumbs_down) for one in evidence(path).minutes] == [(0, 1), (0, 1)]


def test_an_amendment_may_come_before_what_it_amends(path: Path) -> None:
    write(path, [later("1", feedback=1), later("1", harmful=True), later("never", feedback=1)])
    assert evidence(path).minutes == ()
    write(path, [seen("1"), later("1", confirmed=True)])
    found = evidence(path)
    assert [(one.requests, one.thumbs_up) for one in found.minutes] == [(1, 1)]
    assert found.flags == (HarmfulFlag("1", NOON, True),)
    waiting = sqlite3.connect(path).execute("select request_id from amendments where waiting = 1")
    assert waiting.fetchall() == [("never",)]


def test_new_thresholds_count_anew_what_was_counted(path: Path) -> None:
    rows = [
        seen(str(number), latency_ms=float(number * 100), category=f"c{number % 3}")
        for number in range(1, 13)
    ]
    write(path, rows)
    first = evidence(path).minutes
    assert [(one.over_sla, one.slow) for one in first] == [(2, 4)]
    lower = dataclasses.replace(WINDOW, sla_ms=400.0, stages=(Stage(10, 5.0, 1100.0), WINDOW.stages[1]))
    assert [(one.over_sla, one.slow) for one in evidence(path, lower).minutes] == [(8, 1)]
    none = dataclasses.replace(WINDOW, sla_ms=None, stages=(Stage(10, 5.0), WINDOW.stages[1]))
    assert [(one.over_sla, one.slow) for one in evidence(path, none).minutes] == [(0, 0)]
    write(path, [seen("more", latency_ms=1000.1)])
    again = evidence(path)
    assert [(one.over_sla, one.slow, one.timed) for one in again.minutes] == [(3, 5, 13)]
    assert again.notes == ()


def test_thresholds_are_those_of_the_generations_stage_whoever_counted(path: Path) -> None:
    write(path, [seen("1", latency_ms=850)])
    SqliteSource(path).latency("production", "r2", "canary", NOON)  # counts, and knows of no window
    write(path, [seen("2", latency_ms=850, generation=11), seen("3", latency_ms=850, generation=21)])
    found = evidence(path)
    assert [(one.stage, one.slow) for one in found.minutes] == [(0, 2), (1, 0)]


def test_what_the_analysis_counts_itself_is_counted_once(path: Path) -> None:
    write(path, [seen("1", latency_ms=850), seen("2", latency_ms=950, generation=25), seen("3", "stable")])
    assert [one.slow for one in evidence(path).minutes] == [1, 1]
    assert sqlite3.connect(path).execute("select passes from rolled").fetchone() == (1,)


def test_where_raw_rows_are_gone_counts_by_an_old_threshold_stand_and_say_so(path: Path) -> None:
    write(path, [seen("1", latency_ms=850), seen("2", latency_ms=850, at=NOON + 86_400)])
    evidence(path)
    assert SqliteSource(path).prune(NOON + 14.5 * 86_400).observations == 1
    higher = dataclasses.replace(WINDOW, stages=(Stage(10, 5.0, 860.0), WINDOW.stages[1]))
    found = evidence(path, higher, now=NOON + 2 * 86_400)
    assert [one.slow for one in found.minutes] == [1, 0]
    (note,) = found.notes
    assert "1 minutes of generation 10 (canary)" in note and "raw rows are gone" in note


def test_pruned_rows_stay_counted(path: Path) -> None:
    rows = [
        seen(
            str(number), at=NOON + number * 60, latency_ms=10.0, quality=0.5, harmful=number == 1, feedback=-1
        )
        for number in range(12_000)
    ]
    write(path, rows)
    window = dataclasses.replace(WINDOW, stages=(Stage(10, 5.0),))
    end = NOON + 12_000 * 60
    before = evidence(path, window, end)
    source = SqliteSource(path)
    gone = source.prune(end + 10 * 86_400)
    assert gone.observations == 12_000 - 4 * 1440 and gone.rollups == 0
    assert source.prune(end + 10 * 86_400).observations == 0
    assert evidence(path, window, end) == before
    assert sqlite3.connect(path).execute("select count(*) from observations").fetchone() == (4 * 1440,)
    write(path, [later("1", confirmed=True, feedback=1), seen("1")])
    assert source.prune(end + 500 * 86_400).observations == 4 * 1440 + 1
    assert evidence(path, window, end).minutes == ()


def test_what_is_not_counted_yet_is_never_pruned(path: Path) -> None:
    write(path, [seen("1")])
    assert SqliteSource(path).prune(NOON + 20 * 86_400).observations == 1, "counted, and then forgotten"
    assert [one.requests for one in evidence(path).minutes] == [1]


def test_what_clients_dropped_is_told_by_environment_and_generation(path: Path) -> None:
    intake = Intake(path)
    intake.write([], [], [("production", 10, MINUTE, "full", 7), ("production", 9, MINUTE, "full", 100)])
    intake.write([], [], [("production", 10, MINUTE, "full", 3), ("production", 25, MINUTE, "bad", 1)])
    intake.write([], [], [("staging", 10, MINUTE, "full", 1000)])
    intake.close()
    assert evidence(path).dropped == 11
    assert evidence(path, dataclasses.replace(WINDOW, ended_generation=25)).dropped == 10


def test_what_lies_after_now_is_left_out_but_for_harm(path: Path) -> None:
    write(path, [seen("1", quality=1.0), seen("2", at=NOON + 300, quality=0.5, harmful=True)])
    found = evidence(path, now=NOON + 60)
    assert [one.requests for one in found.minutes] == [1] and len(found.scores) == 1
    assert len(found.flags) == 1 and found.ahead == NOON + 300
    assert found.newest is not None and NOON <= found.newest <= NOON + 60


def test_one_wrong_clock_of_an_application_holds_nothing_and_concerns_no_later_attempt(path: Path) -> None:
    month = 30 * 86_400
    write(path, [seen("ahead", at=NOON + month)])
    write(path, [seen(str(minute), at=NOON + 60 * minute) for minute in range(20)])
    found = evidence(path, now=NOON + 20 * 60)
    assert found.newest == NOON + 20 * 60 - 1 and found.ahead == NOON + month
    later_attempt = replace(WINDOW, stages=(Stage(400, 5.0),))
    assert SqliteSource(path).evidence(later_attempt, NOON).ahead is None


def test_the_first_thumb_of_a_user_counts_and_its_own_request_may_change_it(path: Path) -> None:
    write(path, [seen(f"angry {number}", unit="ana", feedback=-1, at=NOON + number) for number in range(10)])
    write(path, [seen("bo", unit="bo", feedback=-1), seen("cy", unit="cy", feedback=1)])
    (minute,) = evidence(path).minutes
    assert (minute.requests, minute.thumbs_down, minute.thumbs_up) == (12, 2, 1)
    write(path, [later("angry 0", feedback=1), later("angry 5", feedback=-1)])
    (minute,) = evidence(path).minutes
    assert (minute.thumbs_down, minute.thumbs_up) == (1, 2)


def test_only_so_many_scores_of_an_arm_are_read(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_source_evidence, "SCORES", 10)
    rows = [
        seen(
            f"{arm}/{stage}/{number}", arm, at=NOON + stage * 60 + number, quality=0.5, generation=10 * stage
        )
        for stage, arm in ((1, "control"), (1, "canary"), (2, "canary"))
        for number in range(8)
    ]
    write(path, rows)
    found = evidence(path)
    assert [one.at - NOON for one in found.scores if one.arm == "control"] == [60 + n for n in range(8)]
    assert [one.at - NOON for one in found.scores if one.arm == "canary"] == [
        *(66, 67), *(120 + number for number in range(8)),
    ]  # fmt: skip
    assert found.notes == ("only the newest 10 scored answers of the canary are read",)


def test_categories_beyond_the_first_two_hundred_are_counted_together(path: Path) -> None:
    write(path, [seen(str(number), category=f"c{number}", quality=0.5) for number in range(300)])
    write(path, [seen(f"again {number}", category=f"c{number}", quality=0.5) for number in range(300)])
    found = evidence(path)
    assert [one.requests for one in found.minutes] == [600]
    names = [one.category for one in found.scores]
    assert len(set(names)) == 201 and names.count("(other)") == 200
    connection = sqlite3.connect(path)
    assert connection.execute("select count(*) from minutes").fetchone() == (202,)


@pytest.mark.parametrize("number", [P99_REQUESTS - 1, P99_REQUESTS])
def test_stables_p99_is_within_one_percent_and_wants_enough_requests(path: Path, number: int) -> None:
    latencies = [math.exp(5 + (number * 7919 % 1000) / 200) for number in range(number)]
    rows = [
        seen(str(place), "control" if place % 7 == 0 else "stable", latency_ms=latency, at=NOON + place)
        for place, latency in enumerate(latencies)
    ]
    rows += [
        seen("canary", latency_ms=1e6), seen("r3", "stable", release="r3", latency_ms=1e6),
        seen("staging", "stable", environment="staging", latency_ms=1e6), seen("untimed", "stable"),
        seen("old", "stable", latency_ms=1e6, at=NOON - 90_000),
    ]  # fmt: skip
    write(path, rows)
    p99 = SqliteSource(path).stable_p99("production", "r1", NOON + 3600)
    if number < P99_REQUESTS:
        assert p99 is None
    else:
        exact = sorted(latencies)[math.ceil(0.99 * number) - 1]
        assert p99 == pytest.approx(exact, rel=0.01)
    assert SqliteSource(path).stable_p99("production", "r1", NOON + 3 * 86_400) is None, "too long ago"


def test_latencies_are_shown_by_arm_and_hour(path: Path) -> None:
    write(path, [seen(str(ms), latency_ms=ms, at=NOON + (ms > 50) * 3600) for ms in range(101)])
    source = SqliteSource(path)
    found = source.latency("production", "r2", "canary", NOON)
    assert found is not None and found.requests == 101
    assert (found.p50_ms, found.p95_ms, found.p99_ms) == pytest.approx((50, 95, 99), rel=0.01)
    assert source.latency("production", "r2", "canary", NOON + 3600) == Latency(
        50, *(pytest.approx(value, rel=0.01) for value in (75, 98, 100))
    )
    assert source.latency("production", "r2", "control", NOON) is None


def spoil(path: Path, how: str) -> None:
    if how == "damaged":
        path.write_bytes(b"\0" * 100 + b"no database" * 500)
    elif how == "torn":
        write(path, [seen(str(number), quality=0.5) for number in range(500)])
        data = bytearray(path.read_bytes())
        data[100:4000] = b"\xff" * 3900
        path.write_bytes(data)
    elif how == "folder":
        path.mkdir()
    else:
        write(path, [seen("1", latency_ms=1.0)])
        connection = connect(path)
        if how == "newer":
            connection.execute(f"pragma user_version = {SCHEMA_VERSION + 1}")
        elif how == "newer roll-ups":
            SqliteSource(path).prune(NOON)
            connection.execute("update meta set value = 99 where key = 'rollups'")
        elif how == "foreign":
            connection.execute("pragma application_id = 0")
        else:
            connection.execute("update observations set latency_ms = 'fast'")
        connection.close()


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("damaged", "is damaged"), ("torn", "is damaged"), ("folder", "cannot be"), ("newer", "version 2"),
        ("newer roll-ups", "roll-ups in"), ("foreign", "another program"), ("a word", "cannot be counted"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_used_is_a_machinery_error_of_one_sentence(
    path: Path, how: str, said: str
) -> None:
    spoil(path, how)
    for call in (
        lambda: evidence(path),
        lambda: SqliteSource(path).stable_p99("production", "r1", NOON),
        lambda: SqliteSource(path).prune(NOON),
    ):
        with pytest.raises(MachineryError, match=said) as raised:
            call()
        assert str(path) in raised.value.message and "\n" not in raised.value.message


def test_a_file_that_is_written_for_long_is_a_machinery_error(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evals.live.rollup_schema._BUSY_MS", 50)
    write(path, [seen("1")])
    lock = connect(path)
    lock.execute("begin immediate")
    with pytest.raises(MachineryError, match="is busy"):
        evidence(path)
    lock.execute("rollback")
    assert [one.requests for one in evidence(path).minutes] == [1]
