"""The verdict on an attempt: what passes, what blocks, what holds, and in which words."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from evals.live.analysis import Analysis, analyse
from evals.live.attempt import AttemptTests
from evals.live.evidence import Evidence, HarmfulFlag, Minute, Score, Window
from evals.live.traffic import healthy_minutes
from evals.live.verdict import MetricVerdict, Needs
from store.errors import MachineryError
from store.records.rollout_policy import Triggers
from tests.live.simulated import ALL, ERRORS, MEAN, QUALITY, START, Behaviour, evidence, window

NONE = Triggers(quality_drop=None, error_rate=None, p99_rise=None, bad_feedback=False, harmful=False)


def analysed(
    found: Evidence, triggers: Triggers = ALL, of: Window | None = None, **more: float | int
) -> Analysis:
    """A minute after the newest observation."""
    now = (found.newest or START * 60.0) + 60
    return analyse(found, of or window(5), triggers, now, **more)  # type: ignore[arg-type]


def metric(analysis: Analysis, name: str) -> MetricVerdict:
    return next(one for one in analysis.metrics if one.name == name)


def rows(minutes: int, requests: int, errors: int = 0, control_errors: int = 0, **canary: int) -> Evidence:
    """The same in every minute, for both arms."""
    found: list[Minute] = []
    for minute in range(START, START + minutes):
        found.append(Minute(minute, "canary", 0, requests, errors, timed=requests, **canary))
        found.append(Minute(minute, "control", 0, requests, control_errors, timed=requests))
    return Evidence(tuple(found), newest=(START + minutes) * 60.0)


def test_a_healthy_canary_with_enough_traffic_passes_every_metric() -> None:
    analysis = analysed(evidence(1, 5, 300))
    assert {one.name: one.outcome for one in analysis.metrics} == dict.fromkeys(
        ("error_rate", "p99_sla", "p99_rise", "quality", "bad_feedback", "harmful"), "pass"
    )
    assert (analysis.outcome, analysis.holds, analysis.alerts) == ("pass", (), ())


def test_a_bad_canary_is_blocked_by_the_metric_that_is_bad_and_only_by_it() -> None:
    for name, bad in {
        "error_rate": Behaviour(errors=0.03),
        "p99_sla": Behaviour(over_sla=0.04),
        "p99_rise": Behaviour(slow=0.04),
        "bad_feedback": Behaviour(thumbs_down=0.05),
        "quality": Behaviour(quality=MEAN - 0.1),
    }.items():
        analysis = analysed(evidence(3, 5, 120, canary=bad))
        assert analysis.outcome == "block"
        assert [one.name for one in analysis.blocking] == [name]
        verdict = metric(analysis, name)
        assert verdict.e_value >= 1 / verdict.alpha
        assert verdict.canary is not None and verdict.control is not None
        assert verdict.low is not None and verdict.high is not None
        assert verdict.blocked_at is not None and START <= verdict.blocked_at / 60 < START + 60
        assert verdict.canary_samples > 0 and verdict.control_samples > 0


@given(st.integers(1, 10), st.integers(20, 300), st.floats(0.3, 1))
@example(5, 40, 1.0)
def test_a_canary_that_fails_in_part_or_always_beside_a_healthy_stable_is_blocked(
    minutes: int, requests: int, share: float
) -> None:
    failing = analysed(rows(minutes, requests, errors=max(1, round(requests * share))))
    assert metric(failing, "error_rate").outcome == "block"


def test_a_block_stands_when_the_canary_recovers_or_falls_silent() -> None:
    bad = evidence(4, 5, 60, canary=Behaviour(errors=0.05))
    good = evidence(5, 5, 600, start=START + 60)
    later = replace(bad, minutes=bad.minutes + good.minutes, newest=good.newest)
    assert analysed(later, ERRORS).outcome == "block"
    assert analysed(replace(bad, newest=None), ERRORS).outcome == "block"


def test_a_canary_that_turns_bad_after_a_good_day_is_still_found() -> None:
    bad = Behaviour(errors=0.05, quality=MEAN - 0.1)
    analysis = analysed(evidence(6, 5, 1500, canary=bad, bad_from=1440, scored_share=0.5))
    errors, quality = metric(analysis, "error_rate"), metric(analysis, "quality")
    assert errors.outcome == quality.outcome == "block"
    assert errors.since is not None and errors.since / 60 >= START + 1400
    assert errors.canary is not None and errors.canary > 0.03
    assert quality.since is not None and quality.difference is not None and quality.difference < -0.04
    assert "since 2025-02-20" in errors.reason and "since 2025-02-20" in quality.reason


def test_errors_that_stable_has_too_hold_and_alert_and_do_not_roll_back() -> None:
    incident = Behaviour(errors=0.05)
    found = evidence(7, 5, 240, canary=incident, control=incident, bad_from=60, with_stable=True)
    analysis = analysed(found, ERRORS)
    assert analysis.outcome == "inconclusive"
    assert [hold.kind for hold in analysis.holds] == ["provider"]
    assert analysis.alerts == (metric(analysis, "error_rate").reason,)
    assert "stable's requests failed as well" in analysis.alerts[0]


def test_after_an_incident_of_both_the_canary_is_counted_anew_and_passes() -> None:
    incident = Behaviour(errors=0.05)
    during = evidence(8, 5, 90, canary=incident, control=incident, bad_from=60, with_stable=True)
    short = evidence(9, 5, 60, with_stable=True, start=START + 90)
    long = evidence(11, 5, 300, with_stable=True, start=START + 150)
    first = joined(during, short)
    assert [hold.kind for hold in analysed(first, ERRORS).holds] == ["too_few"]
    assert analysed(joined(first, long), ERRORS).outcome == "pass"


@pytest.mark.parametrize("with_stable", [True, False])
def test_after_an_incident_of_both_what_the_canary_does_alone_is_found_again(with_stable: bool) -> None:
    incident, bad = Behaviour(errors=0.05), Behaviour(errors=0.05)
    both = evidence(20, 5, 120, canary=incident, control=incident, bad_from=60, with_stable=with_stable)
    alone = evidence(
        13, 5, 180, canary=bad, bad_from=120, with_stable=with_stable, scored_share=0, start=START + 120
    )
    assert analysed(both, ERRORS).outcome == "inconclusive"
    verdict = metric(analysed(joined(both, alone), ERRORS), "error_rate")
    assert verdict.blocked_at is not None
    assert START + 240 <= verdict.blocked_at / 60 <= START + 270


def test_an_incident_long_gone_takes_nothing_back_when_everybody_has_the_release() -> None:
    incident = Behaviour(errors=0.05)
    both = evidence(14, 50, 120, canary=incident, control=incident, bad_from=60, with_stable=True)
    everybody = evidence(15, 100, 120, start=START + 120, stage=1)
    canary = replace(everybody, minutes=everybody.minutes[::2], stable=())
    after = joined(both, canary)
    assert analysed(after, ERRORS, window(50, 100)).outcome == "pass"
    bad = evidence(16, 100, 30, canary=Behaviour(errors=0.02), start=START + 240, stage=1)
    found = joined(after, replace(bad, minutes=bad.minutes[::2]))
    assert analysed(found, ERRORS, window(50, 100)).outcome == "block"


def test_a_canary_far_worse_than_a_troubled_stable_is_taken_back() -> None:
    found = evidence(
        11, 5, 240, canary=Behaviour(errors=0.2), control=Behaviour(errors=0.01), with_stable=True
    )
    assert analysed(found, ERRORS).outcome == "block"


def joined(first: Evidence, second: Evidence) -> Evidence:
    return Evidence(
        first.minutes + second.minutes,
        first.scores + second.scores,
        newest=second.newest,
        stable=first.stable + second.stable,
    )


def test_too_few_requests_hold_and_say_how_many_and_how_long() -> None:
    analysis = analysed(rows(100, 10), ERRORS)
    verdict = metric(analysis, "error_rate")
    assert analysis.outcome == "inconclusive"
    assert verdict.needs == Needs(1996, "requests", 199.6)
    assert "about 2,000 more requests, at today's traffic 4 h" in verdict.reason
    assert [hold.kind for hold in analysis.holds] == ["too_few"]
    assert analysed(rows(300, 10), ERRORS).outcome == "pass"


def test_more_errors_than_allowed_that_may_be_chance_hold() -> None:
    found = rows(300, 10)
    some = tuple(
        replace(row, errors=1) if row.arm == "canary" and row.minute % 80 == 0 else row
        for row in found.minutes
    )
    verdict = metric(analysed(replace(found, minutes=some), ERRORS), "error_rate")
    assert verdict.outcome == "inconclusive"
    assert verdict.needs is not None and verdict.needs.samples == 1000


def test_quality_needs_are_told_in_scored_answers_and_time() -> None:
    verdict = metric(analysed(evidence(12, 5, 30, scored_share=0.2), QUALITY), "quality")
    assert verdict.outcome == "inconclusive"
    assert verdict.needs is not None and verdict.needs.of == "scored answers"
    assert 1000 < verdict.needs.samples < 5000
    assert verdict.needs.minutes == pytest.approx(verdict.needs.samples / 7.2, rel=0.2)
    assert "more scored answers, at today's traffic" in verdict.reason
    assert Needs(1872, "scored answers", 350).words == (
        "about 1,900 more scored answers, at today's traffic 6 h"
    )


def test_a_drop_that_is_certain_but_small_neither_blocks_nor_passes_at_once() -> None:
    small = evidence(13, 50, 120, canary=Behaviour(quality=MEAN - 0.012))
    verdict = metric(analysed(small, QUALITY, window(50)), "quality")
    assert verdict.e_value >= 100
    assert verdict.outcome == "pass"
    near = evidence(14, 25, 120, canary=Behaviour(quality=MEAN - 0.019))
    assert metric(analysed(near, QUALITY, window(25)), "quality").outcome != "pass"


def test_a_drop_in_one_category_blocks_at_its_share_of_alpha() -> None:
    names = ("billing", "orders", "returns", "tone")
    found = evidence(15, 5, 240, categories=names)
    worse = tuple(
        replace(one, value=one.value * 0.8) if one.arm == "canary" and one.category == "orders" else one
        for one in found.scores
    )
    ten_points = QUALITY.model_copy(update={"quality_drop": 0.1})
    analysis = analysed(replace(found, scores=worse), ten_points)
    assert [one.name for one in analysis.blocking] == ["quality/orders"]
    assert metric(analysis, "quality/orders").alpha == pytest.approx(0.01 / 4)
    assert not metric(analysis, "quality/tone").gating


def test_categories_with_few_scores_have_no_say_and_their_names_are_made_safe() -> None:
    found = evidence(16, 5, 60, categories=("fine", "bad\x1b[31m\u202eevil"))
    few = Score(START * 60 + 1.0, "canary", 0, 0.0, "rare")
    analysis = analysed(replace(found, scores=(few, *found.scores)), QUALITY)
    names = [one.name for one in analysis.metrics]
    assert "quality/rare" not in names and "quality/fine" in names
    assert not any(
        "\x1b" in text or "\u202e" in text for one in analysis.metrics for text in (one.name, one.reason)
    )


def test_a_harmful_flag_freezes_a_confirmed_one_blocks_a_cleared_one_lets_on() -> None:
    found = evidence(17, 5, 200)
    asked = replace(found, flags=(HarmfulFlag("req-\x1b7", START * 60.0, None),))
    frozen = analysed(asked)
    assert (frozen.outcome, frozen.is_frozen) == ("inconclusive", True)
    assert "req-" in frozen.holds[0].reason and "\x1b" not in frozen.holds[0].reason
    cleared = analysed(replace(found, flags=(HarmfulFlag("req-7", START * 60.0, False),)))
    assert (cleared.outcome, cleared.is_frozen) == ("pass", False)
    confirmed = analysed(replace(found, flags=(*asked.flags, HarmfulFlag("req-8", START * 60.0, True))))
    assert [one.name for one in confirmed.blocking] == ["harmful"]
    assert "req-8" in confirmed.blocking[0].reason


def test_without_traffic_or_with_old_or_future_news_nothing_goes_on() -> None:
    good = evidence(18, 5, 300)
    assert good.newest is not None
    kinds = {
        "no_traffic": analysed(Evidence()),
        "stale": analyse(good, window(5), ALL, good.newest + 11 * 60),
        "clock": analyse(replace(good, newest=None, ahead=good.newest), window(5), ALL, good.newest - 121),
    }
    for kind, analysis in kinds.items():
        assert analysis.outcome == "inconclusive"
        assert kind in [hold.kind for hold in analysis.holds]
    quiet = replace(good, newest=good.newest + 3600)
    held = analyse(quiet, window(5), ALL, good.newest + 3600)
    assert [hold.kind for hold in held.holds] == ["no_traffic"]
    assert "last request 60 min ago" in held.holds[0].reason
    assert analyse(good, window(5), ALL, good.newest - 119).outcome != "block"
    ahead = analyse(replace(good, ahead=good.newest + 86_400), window(5), ALL, good.newest + 5)
    assert ahead.outcome == analyse(good, window(5), ALL, good.newest + 5).outcome
    assert any("check the clocks of the hosts" in note for note in ahead.notes)


def test_a_wrong_clock_does_not_keep_a_bad_release_in() -> None:
    bad = evidence(19, 5, 60, canary=Behaviour(errors=0.05))
    assert bad.newest is not None
    assert analyse(bad, window(5), ERRORS, bad.newest - 3600).outcome == "block"


def test_a_new_step_wants_its_own_scored_answers_and_traffic() -> None:
    first = evidence(20, 5, 300)
    assert analysed(first, min_scored=500).outcome == "pass"
    both = window(5, 25)
    fresh = analysed(first, of=both, min_scored=500)
    assert {hold.kind for hold in fresh.holds} == {"no_traffic", "too_few"}
    second = evidence(21, 25, 20, start=START + 300, stage=1)
    assert analysed(joined(first, second), of=both, min_scored=500).outcome == "pass"


def test_above_half_quality_is_held_against_what_the_control_scored() -> None:
    first = evidence(22, 50, 60)
    alone = evidence(23, 100, 60, canary=Behaviour(quality=MEAN - 0.08), start=START + 60, stage=1)
    canary_only = replace(
        alone,
        minutes=tuple(row for row in alone.minutes if row.arm == "canary"),
        scores=tuple(score for score in alone.scores if score.arm == "canary"),
    )
    analysis = analysed(joined(first, canary_only), QUALITY, window(50, 100))
    verdict = metric(analysis, "quality")
    assert verdict.outcome == "block" and verdict.control_samples == 0
    assert "before it ended" in verdict.reason
    season = evidence(23, 100, 240, canary=Behaviour(quality=MEAN - 0.03), start=START + 60, stage=1)
    later = replace(season, scores=tuple(score for score in season.scores if score.arm == "canary"))
    found = analysed(joined(first, later), QUALITY, window(50, 100))
    assert found.outcome != "block", "what users ask changes with the day"
    assert any("has changed" in alert for alert in found.alerts)
    good = evidence(24, 100, 60, start=START + 60, stage=1)
    healthy = replace(good, scores=tuple(score for score in good.scores if score.arm == "canary"))
    assert metric(analysed(joined(first, healthy), QUALITY, window(50, 100)), "quality").outcome == "pass"


def test_an_unknown_p99_of_stable_holds_until_it_is_filled_in() -> None:
    found = evidence(25, 5, 120)
    triggers = NONE.model_copy(update={"p99_rise": 0.1})
    tests = AttemptTests()
    unknown = analysed(found, triggers, window(5, slow_ms=None), tests=tests)  # type: ignore[arg-type]
    assert [hold.kind for hold in unknown.holds] == ["undecided"]
    known = analysed(found, triggers, window(5), tests=tests)  # type: ignore[arg-type]
    assert known.outcome == "pass"


def test_metrics_that_nobody_asked_for_are_not_judged() -> None:
    analysis = analysed(evidence(26, 5, 10), NONE)
    assert analysis.metrics == ()
    assert analysis.outcome == "pass"


def test_what_the_evidence_lacks_is_told_and_scores_that_are_none_do_not_count() -> None:
    found = evidence(27, 5, 100)
    odd = tuple(Score(START * 60 + 5.0, "canary", 0, value) for value in (math.nan, 7.0, -1.0, math.inf))
    noted = replace(found, scores=odd + found.scores, notes=("no series for\x1b latency",), dropped=1204)
    analysis = analysed(noted, QUALITY)
    assert len(analysis.notes) == 3
    assert "1,204" in analysis.notes[1] and "4 scores" in analysis.notes[2]
    assert "\x1b" not in analysis.notes[0]
    plain = metric(analysed(found, QUALITY), "quality")
    assert metric(analysis, "quality").canary == plain.canary


def test_evidence_that_does_not_fit_is_the_machinerys_fault() -> None:
    wrong = Evidence((Minute(START, "canary", 3, 10),), newest=START * 60.0)
    tests = AttemptTests()
    for _ in range(2):
        with pytest.raises(MachineryError, match="stage 4"):
            analysed(wrong, tests=tests)  # type: ignore[arg-type]
    timeless = Evidence(scores=(Score(math.nan, "canary", 0, 0.5),), newest=START * 60.0)
    with pytest.raises(MachineryError, match="time is no number"):
        analysed(timeless)


def test_healthy_minutes_are_those_with_traffic_and_without_alarm() -> None:
    found = rows(50, 40)
    broken = tuple(
        replace(row, errors=8)
        if row.minute < START + 10
        else replace(row, requests=3, timed=3)
        if row.minute < START + 15
        else row
        for row in found.minutes
    )
    assert healthy_minutes(found, 0, 5, ALL) == 50
    assert healthy_minutes(replace(found, minutes=broken), 0, 5, ALL) == 35
    assert healthy_minutes(replace(found, minutes=broken), 0, 1, NONE) == 50
    assert healthy_minutes(found, 1, 1, ALL) == 0
    waiting = replace(found, flags=(HarmfulFlag("r", (START + 20) * 60.0, None),))
    assert healthy_minutes(waiting, 0, 1, ALL) == 20
    single = (replace(found.minutes[0], errors=1), *found.minutes[1:])
    assert healthy_minutes(replace(found, minutes=single), 0, 1, ALL) == 50
