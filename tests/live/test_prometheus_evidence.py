"""What the samples of counters become: the three traps, resets, gaps, absences, contradictions."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from evals.live.evidence import Evidence, Minute, Stage, Window
from evals.live.prometheus.api import PrometheusApi
from evals.live.prometheus.source import PrometheusSource
from store.errors import MachineryError
from tests.live.fake_prometheus import FakePrometheus, Samples

NOW = 1_780_000_020.0
"""Twenty seconds into a minute."""
WINDOW = Window("production", "r2", "r1", (Stage(7, 5.0, slow_ms=3300.0), Stage(9, 25.0)), sla_ms=2000.0)


@pytest.fixture
def prometheus() -> Iterator[FakePrometheus]:
    with FakePrometheus() as running:
        yield running


def evidence(prometheus: FakePrometheus, window: Window = WINDOW, now: float = NOW) -> Evidence:
    return PrometheusSource(PrometheusApi(prometheus.url)).evidence(window, now)


def each(seconds: float, *values: float, end: float = NOW) -> Samples:
    """Samples `seconds` apart, the last one at `end`."""
    return [(end - seconds * (len(values) - 1 - n), value) for n, value in enumerate(values)]


def requests(prometheus: FakePrometheus, *values: float, seconds: float = 15, **labels: str) -> None:
    """A process's requests, none of which failed."""
    samples = each(seconds, *values)
    prometheus.add("lockgate_requests_total", samples, **labels)
    prometheus.add("lockgate_errors_total", [(at, 0.0) for at, _ in samples], **labels)


def total(found: Evidence, column: str, arm: str = "canary") -> int:
    return sum(getattr(row, column) for row in found.minutes if row.arm == arm)


def test_a_counter_that_is_born_at_three_counts_three(prometheus: FakePrometheus) -> None:
    requests(prometheus, 0, 10, 40, 50)
    prometheus.add("lockgate_harmful_total", each(15, 3, 3))
    found = evidence(prometheus)
    assert [flag.confirmed for flag in found.flags] == [None] * 3
    assert len({flag.request_id for flag in found.flags}) == 3
    assert {flag.at for flag in found.flags} == {NOW - 15}
    assert total(found, "requests") == 50


def test_no_series_is_no_data_and_never_no_errors(prometheus: FakePrometheus) -> None:
    prometheus.add("lockgate_requests_total", each(15, 0, 500))
    found = evidence(prometheus)
    assert found.minutes == ()
    assert any("no series lockgate_errors_total" in note and "canary" in note for note in found.notes)
    assert any("no series lockgate_requests_total for control r1" in note for note in found.notes)
    for words in ("latency", "quality", "harmful answers", "feedback"):
        assert f"no series for {words} of canary" in " ".join(found.notes)


def test_nothing_at_all_is_no_data(prometheus: FakePrometheus) -> None:
    found = evidence(prometheus)
    assert (found.minutes, found.scores, found.flags, found.newest) == ((), (), (), None)
    assert sum("no data" in note for note in found.notes) == 2


def test_requests_of_one_process_without_errors_are_left_out_alone(prometheus: FakePrometheus) -> None:
    requests(prometheus, 0, 30)
    prometheus.add("lockgate_requests_total", each(15, 0, 500), instance="app-2:9100")
    found = evidence(prometheus)
    assert total(found, "requests") == 30
    assert any("left out" in note for note in found.notes)


def test_latency_is_counted_at_the_very_bounds(prometheus: FakePrometheus) -> None:
    requests(prometheus, 0, 100)
    for bound, count in (("1000", 60), ("2000.0", 90), ("3300", 97), ("4000", 99), ("+Inf", 100)):
        prometheus.add("lockgate_latency_ms_bucket", each(15, 0, count), le=bound)
    found = evidence(prometheus)
    assert (total(found, "timed"), total(found, "over_sla"), total(found, "slow")) == (100, 10, 3)
    assert not any("no bucket" in note for note in found.notes)
    asked = [query["query"] for path, query, _ in prometheus.asked if path == "/api/v1/query"]
    assert all("4000" not in one for one in asked), "bounds that no rule needs are not read"


@pytest.mark.parametrize("missing", ["2000", "3300"])
def test_without_a_bucket_there_latency_is_not_known(prometheus: FakePrometheus, missing: str) -> None:
    requests(prometheus, 0, 100)
    for bound, count in (("1999", 89), ("2000", 90), ("3300", 97), ("+Inf", 100)):
        if bound != missing:
            prometheus.add("lockgate_latency_ms_bucket", each(15, 0, count), le=bound)
    found = evidence(prometheus)
    assert (total(found, "timed"), total(found, "over_sla"), total(found, "slow")) == (0, 0, 0)
    assert any(f"no bucket at {float(missing):,g} ms" in note for note in found.notes)


def test_a_bound_that_came_with_a_new_deployment_says_nothing_about_before(
    prometheus: FakePrometheus,
) -> None:
    window = Window("production", "r2", "r1", (Stage(7, 5.0),), sla_ms=2000.0)
    requests(prometheus, 0, 100, 200, 10, 20, 30, seconds=120)
    prometheus.add("lockgate_latency_ms_bucket", each(120, 0, 100, 200, 10, 20, 30), le="+Inf")
    prometheus.add("lockgate_latency_ms_bucket", each(120, 9, 18, 27), le="2000")
    found = evidence(prometheus, window)
    assert total(found, "requests") == 230
    assert (total(found, "timed"), total(found, "over_sla")) == (20, 2)


def test_a_restart_counts_on_and_is_one_for_the_whole_process(prometheus: FakePrometheus) -> None:
    requests(prometheus, 0, 100, 130, 20, 25)
    prometheus.add("lockgate_harmful_total", each(15, 0, 2, 2, 2, 2))  # two before, and two after
    prometheus.add("lockgate_harmful_total", each(15, 0, 2, 2, 2, 2), instance="app-2:9100")
    requests(prometheus, 0, 10, 20, 30, 40, instance="app-2:9100")
    found = evidence(prometheus)
    assert total(found, "requests") == 130 + 25 + 40
    assert len(found.flags) == 4 + 2


def test_minutes_without_a_scrape_have_no_data(prometheus: FakePrometheus) -> None:
    before, after = each(15, *range(0, 200, 10), end=NOW - 600), each(15, *range(1000, 1100, 10))
    for name, scale in (("lockgate_requests_total", 1), ("lockgate_errors_total", 0)):
        prometheus.add(name, [(at, float(value * scale)) for at, value in (*before, *after)])
    found = evidence(prometheus)
    assert total(found, "requests") == 1090
    silent = set(range(int((NOW - 600) // 60) + 1, int(after[0][0] // 60)))
    assert len(silent) > 5
    assert not silent & {row.minute for row in found.minutes}
    assert any("no samples of one process" in note for note in found.notes)


def test_a_scrape_every_two_minutes_is_no_gap(prometheus: FakePrometheus) -> None:
    requests(prometheus, *range(0, 100, 10), seconds=120)
    assert not any("no samples" in note for note in evidence(prometheus).notes)


def test_stages_are_told_by_generation_and_other_attempts_left_out(prometheus: FakePrometheus) -> None:
    for generation, count in (("6", 1000), ("7", 10), ("8", 20), ("9", 40), ("12", 80)):
        requests(prometheus, 0, count, generation=generation)
    ended = Window(WINDOW.environment, "r2", "r1", WINDOW.stages, WINDOW.sla_ms, ended_generation=12)
    found = evidence(prometheus, ended)
    assert {row.stage: row.requests for row in found.minutes} == {0: 30, 1: 40}


def test_arms_are_told_by_label_and_release(prometheus: FakePrometheus) -> None:
    requests(prometheus, 0, 5)
    requests(prometheus, 0, 7, arm="control", release="r1")
    requests(prometheus, 0, 1000, arm="stable", release="r1")
    requests(prometheus, 0, 1000, arm="canary", release="r1")
    requests(prometheus, 0, 1000, environment="staging")
    found = evidence(prometheus)
    assert (total(found, "requests"), total(found, "requests", "control")) == (5, 7)
    assert {(row.arm, row.requests) for row in found.stable} == {("control", 1007)}


def test_after_the_last_step_the_canary_is_the_stable_release(prometheus: FakePrometheus) -> None:
    requests(prometheus, 0, 5)
    requests(prometheus, 0, 70, arm="stable", generation="9")
    found = evidence(prometheus)
    assert {(row.arm, row.stage, row.requests) for row in found.minutes} == {
        ("canary", 0, 5),
        ("canary", 1, 70),
    }
    assert found.stable == ()


def test_stable_is_counted_like_an_arm(prometheus: FakePrometheus) -> None:
    for instance, failed in (("app-1:9100", 3), ("app-2:9100", 4)):
        stable = {"arm": "stable", "release": "r1", "instance": instance}
        prometheus.add("lockgate_requests_total", each(15, 0, 50), **stable)
        prometheus.add("lockgate_errors_total", each(15, 0, failed), **stable)
        for bound, count in (("2000", 45), ("3300", 48), ("+Inf", 50)):
            prometheus.add("lockgate_latency_ms_bucket", each(15, 0, count), le=bound, **stable)
        prometheus.add("lockgate_harmful_total", each(15, 0, 9), **stable)
    found = evidence(prometheus)
    (row,) = found.stable
    assert (row.requests, row.errors, row.timed, row.over_sla, row.slow) == (100, 7, 100, 10, 4)
    assert (found.minutes, found.flags) == ((), ())


def test_series_without_a_generation_are_named(prometheus: FakePrometheus) -> None:
    requests(prometheus, 0, 5)
    requests(prometheus, 0, 50, generation="", instance="app-2:9100")
    found = evidence(prometheus)
    assert total(found, "requests") == 5
    assert any("without a generation" in note for note in found.notes)


def scored(prometheus: FakePrometheus, counts: dict[str, int], total: float | None, **labels: str) -> None:
    """A histogram of quality: `counts` of scores by bound, not yet cumulated."""
    running = 0
    for bound, count in counts.items():
        running += count
        prometheus.add("lockgate_quality_bucket", each(15, 0, running), le=bound, **labels)
    if total is not None:
        prometheus.add("lockgate_quality_sum", each(15, 0, total), **labels)


def test_levels_hold_every_score(prometheus: FakePrometheus) -> None:
    requests(prometheus, 0, 50)
    scored(
        prometheus, {"0.0": 2, "0.25": 0, "0.5": 3, "0.75": 4, "1.0": 9, "+Inf": 0}, 13.5, category="prices"
    )
    found = evidence(prometheus)
    assert [(score.value, score.count) for score in found.scores] == [(0, 2), (0.5, 3), (0.75, 4), (1, 9)]
    assert {(score.arm, score.stage, score.category) for score in found.scores} == {("canary", 0, "prices")}


@pytest.mark.parametrize(
    ("counts", "total", "note"),
    [
        ({"0": 2, "0.5": 3, "1": 9, "+Inf": 0}, 9.8, "between the bounds"),
        ({"0": 2, "0.5": 3, "0.75": 1, "+Inf": 4}, 6.25, "over the last bound"),
        ({"0": 2, "0.5": 3, "1": 9, "+Inf": 0}, None, "no series lockgate_quality_sum"),
    ],
)
def test_scores_that_are_not_at_the_levels_are_left_out(
    prometheus: FakePrometheus, counts: dict[str, int], total: float | None, note: str
) -> None:
    requests(prometheus, 0, 50)
    scored(prometheus, counts, total)
    found = evidence(prometheus)
    assert found.scores == ()
    assert any(note in one for one in found.notes)


def test_second_opinions_confirm_and_clear_flags(prometheus: FakePrometheus) -> None:
    requests(prometheus, 0, 50)
    prometheus.add("lockgate_harmful_total", each(15, 0, 4))
    prometheus.add("lockgate_harmful_confirmed_total", each(15, 0, 1))
    prometheus.add("lockgate_harmful_cleared_total", each(15, 0, 2))
    assert sorted(str(flag.confirmed) for flag in evidence(prometheus).flags) == [
        "False",
        "False",
        "None",
        "True",
    ]


def test_a_confirmed_answer_that_nothing_flagged_is_a_flag(prometheus: FakePrometheus) -> None:
    requests(prometheus, 0, 50)
    prometheus.add("lockgate_harmful_confirmed_total", each(15, 0, 1))
    found = evidence(prometheus)
    assert [flag.confirmed for flag in found.flags] == [True]
    assert any("second opinions" in note for note in found.notes)


def test_flags_of_the_control_are_not_the_canarys(prometheus: FakePrometheus) -> None:
    prometheus.add("lockgate_harmful_total", each(15, 0, 4), arm="control", release="r1")
    assert evidence(prometheus).flags == ()


def test_thumbs(prometheus: FakePrometheus) -> None:
    requests(prometheus, 0, 50)
    prometheus.add("lockgate_feedback_total", each(15, 0, 4), value="down")
    prometheus.add("lockgate_feedback_total", each(15, 0, 6), value="up")
    prometheus.add("lockgate_feedback_total", each(15, 0, 60), value="sideways")
    found = evidence(prometheus)
    assert (total(found, "thumbs_down"), total(found, "thumbs_up")) == (4, 6)


def test_an_error_scraped_before_its_request_waits_for_it(prometheus: FakePrometheus) -> None:
    prometheus.add("lockgate_requests_total", each(60, 0, 10, 10, 12))
    prometheus.add("lockgate_errors_total", each(60, 0, 0, 2, 2))
    found = evidence(prometheus)
    assert [(row.requests, row.errors) for row in found.minutes if row.requests] == [(10, 0), (2, 2)]


def test_newest_is_when_a_request_was_last_counted(prometheus: FakePrometheus) -> None:
    requests(prometheus, 0, 10, 10, 10)
    assert evidence(prometheus).newest == NOW - 30


def test_a_clock_that_is_behind_prometheus_is_seen(prometheus: FakePrometheus) -> None:
    requests(prometheus, 0, 10, 20)
    found = evidence(prometheus, now=NOW - 200)
    assert found.ahead == NOW and found.newest is None
    assert found.minutes == ()


@pytest.mark.parametrize("value", ["NaN", "+Inf", "-1", "-Inf"])
def test_what_no_counter_can_be_is_refused_by_name(prometheus: FakePrometheus, value: str) -> None:
    requests(prometheus, 0, 10)
    prometheus.add("lockgate_harmful_total", [(NOW - 15, 0.0), (NOW, value)])  # type: ignore[list-item]
    with pytest.raises(MachineryError, match="lockgate_harmful_total"):
        evidence(prometheus)


def test_fractions_of_requests_are_refused(prometheus: FakePrometheus) -> None:
    requests(prometheus, 0, 10.5)
    with pytest.raises(MachineryError, match="lockgate_requests_total counts in fractions"):
        evidence(prometheus)


def test_the_same_series_twice_is_refused(prometheus: FakePrometheus) -> None:
    requests(prometheus, 0, 10)
    requests(prometheus, 0, 10)
    with pytest.raises(MachineryError, match="lockgate_requests_total is there twice"):
        evidence(prometheus)


@pytest.mark.parametrize("collector", ["job", "replica"])
def test_a_process_that_is_scraped_twice_is_refused(prometheus: FakePrometheus, collector: str) -> None:
    requests(prometheus, 0, 10, **{collector: "a"})
    requests(prometheus, 0, 10, **{collector: "b"})
    with pytest.raises(MachineryError, match=r"twice for the same process \(app-1:9100\)"):
        evidence(prometheus)


def test_two_processes_under_one_label_are_refused(prometheus: FakePrometheus) -> None:
    mixed = [value for pair in zip(range(100, 120), range(500, 520), strict=True) for value in pair]
    requests(prometheus, *mixed)
    with pytest.raises(MachineryError, match="two processes"):
        evidence(prometheus)


@pytest.mark.parametrize("bound", ["1.5", "-0.5", "NaN"])
def test_an_impossible_level_is_refused(prometheus: FakePrometheus, bound: str) -> None:
    requests(prometheus, 0, 10)
    scored(prometheus, {bound: 1, "+Inf": 0}, 1.0)
    with pytest.raises(MachineryError, match="scores lie between 0 and 1"):
        evidence(prometheus)


def test_buckets_that_contradict_each_other_are_refused(prometheus: FakePrometheus) -> None:
    requests(prometheus, 0, 10)
    for bound, count in (("2000", 12), ("3300", 9), ("+Inf", 10)):
        prometheus.add("lockgate_latency_ms_bucket", each(15, 0, count), le=bound)
    with pytest.raises(MachineryError, match="lockgate_latency_ms_bucket counts more"):
        evidence(prometheus)


def test_asking_again_reads_little_and_says_the_same(prometheus: FakePrometheus) -> None:
    values = [float(value) for value in range(0, 2400, 2)]
    for instance in ("app-1:9100", "app-2:9100"):
        requests(prometheus, *values, instance=instance)
        prometheus.add("lockgate_harmful_total", each(600, 0, 1, 1, 3), instance=instance)
    source = PrometheusSource(PrometheusApi(prometheus.url))
    middle = source.evidence(WINDOW, NOW - 7000)
    first = source.evidence(WINDOW, NOW)
    prometheus.asked.clear()
    again = source.evidence(WINDOW, NOW)
    spans = [
        query["query"].rpartition("[")[2] for path, query, _ in prometheus.asked if path == "/api/v1/query"
    ]
    assert spans == ["900001ms]"]
    assert again == first == PrometheusSource(PrometheusApi(prometheus.url)).evidence(WINDOW, NOW)
    assert total(first, "requests") == 2 * 2398
    assert 0 < total(middle, "requests") < total(first, "requests")
    assert len(first.flags) == 6


def test_one_row_for_a_minute_arm_and_stage_in_order(prometheus: FakePrometheus) -> None:
    for arm, release in (("control", "r1"), ("canary", "r2")):
        for category in ("a", "b"):
            requests(prometheus, *range(0, 1000, 5), arm=arm, release=release, category=category)
    rows = evidence(prometheus).minutes
    keys = [(row.minute, row.arm, row.stage) for row in rows]
    assert keys == sorted(set(keys))
    assert all(isinstance(row, Minute) and row.errors <= row.requests for row in rows)


def test_too_much_at_once_is_asked_for_in_parts(prometheus: FakePrometheus) -> None:
    requests(prometheus, *range(0, 960, 2))
    source = PrometheusSource(PrometheusApi(prometheus.url, reply_limit=9_000))
    assert total(source.evidence(WINDOW, NOW), "requests") == 958


def stable_latency(prometheus: FakePrometheus, at_start: float, counts: dict[str, float]) -> None:
    """A process of stable that has run for days: `counts` in the last day, on top of `at_start`."""
    times = [NOW - 90_000 + 60 * n for n in range(1501)]
    for bound, count in counts.items():
        samples = [(at, at_start + (count if at > NOW - 43_200 else 0.0)) for at in times]
        prometheus.add("lockgate_latency_ms_bucket", samples, le=bound, arm="stable", release="r1")


def p99(prometheus: FakePrometheus, rise: float = 0.10) -> float | None:
    source = PrometheusSource(PrometheusApi(prometheus.url), p99_rise=rise)
    return source.stable_p99("production", "r1", NOW)


def test_the_threshold_over_p99_is_a_bucket(prometheus: FakePrometheus) -> None:
    stable_latency(
        prometheus, 50_000, {"1000": 9000, "1100": 9910, "1210": 9990, "2000": 9999, "+Inf": 10_000}
    )
    found = p99(prometheus)
    assert found is not None
    assert found * 1.1 == pytest.approx(1210, rel=1e-12)
    wider = p99(prometheus, rise=0.5)
    assert wider is not None
    assert wider * 1.5 == pytest.approx(2000, rel=1e-12)


def test_p99_of_too_few_or_too_slow_is_not_known(prometheus: FakePrometheus) -> None:
    stable_latency(prometheus, 0, {"1000": 4980, "1100": 4985, "2000": 4990, "+Inf": 4999})
    assert p99(prometheus) is None
    prometheus.series.clear()
    stable_latency(prometheus, 0, {"1000": 9000, "2000": 9500, "+Inf": 10_000})
    assert p99(prometheus) is None
    prometheus.series.clear()
    assert p99(prometheus) is None


def test_two_arms_with_the_same_latencies_are_equally_slow(prometheus: FakePrometheus) -> None:
    """Quantiles out of buckets told 3.31 s from 2.74 s there."""
    latencies = [100 * 1.013 ** (n % 400) for n in range(1200)]
    for arm, release, taken in (("canary", "r2", latencies[:481]), ("control", "r1", latencies)):
        requests(prometheus, 0, len(taken), arm=arm, release=release)
        for bound in (500.0, 1000.0, 2000.0, 3300.0, float("inf")):
            count = sum(one <= bound for one in taken)
            text = "+Inf" if bound == float("inf") else f"{bound:g}"
            prometheus.add(
                "lockgate_latency_ms_bucket", each(15, 0, count), le=text, arm=arm, release=release
            )
    found = evidence(prometheus)
    for arm, taken in (("canary", latencies[:481]), ("control", latencies)):
        assert total(found, "over_sla", arm) == sum(one > 2000 for one in taken)
        assert total(found, "timed", arm) == len(taken)


def test_the_traffic_of_all_users_is_seen(prometheus: FakePrometheus) -> None:
    source = PrometheusSource(PrometheusApi(prometheus.url))
    assert source.traffic("production", NOW) is None
    times = [NOW - 7200 + 60 * n for n in range(121)]
    for arm, release, pace in (("stable", "r1", 90.0), ("canary", "r2", 10.0)):
        counted = [(at, pace * n) for n, at in enumerate(times)]
        prometheus.add("lockgate_requests_total", counted, arm=arm, release=release)
        scored = [(at, float(value // 4)) for at, value in counted]
        prometheus.add("lockgate_quality_bucket", scored, le="+Inf", arm=arm, release=release)
        prometheus.add("lockgate_quality_bucket", scored, le="0.5", arm=arm, release=release)
    found = source.traffic("production", NOW)
    assert found is not None and found.score_sd is None
    assert found.requests_per_minute == pytest.approx(100, rel=0.02)
    assert found.scored_share == pytest.approx(0.25, rel=0.02)
    assert source.traffic("staging", NOW) is None
