"""The noise floor: measured by repeats, kept with the release, believed only for the very same answers."""

import json
from pathlib import Path

import pytest

from evals.answer import Answer
from evals.case import Case
from evals.evaluate import Arm, evaluate
from evals.running.noise import Noise, NoiseFloors, arm_key, spread
from evals.suite import Suite, parse_suite

CASES = 60


def suite() -> Suite:
    lines = (
        {
            "id": f"c-{number}",
            "input": f"question {number}",
            "category": "all",
            "expect": [{"grader": "contains", "any": ["yes"]}],
        }
        for number in range(CASES)
    )
    return parse_suite(
        {
            "suite.toml": b'[[categories]]\nname = "all"\n',
            "cases.jsonl": "\n".join(map(json.dumps, lines)).encode(),
        },
        "evals/support@v1",
    )


class Says:
    """yes, or no for the first `wrong` cases; `flaky` ones say no at every second repeat."""

    def __init__(self, wrong: int = 0, flaky: int = 0, words: str = "") -> None:
        self.wrong, self.flaky, self.words = wrong, flaky, words
        self.asked = 0

    async def answer(self, case: Case, repeat: int) -> Answer:
        self.asked += 1
        number = int(case.id.rpartition("-")[2])
        no = number < self.wrong or (number < self.flaky and repeat % 2 == 0)
        return Answer(("no" if no else "yes") + self.words)


async def judged(floors: NoiseFloors, candidate: Says, baseline: Says, identity: str | None = "server 1"):
    return await evaluate(
        Arm("r2", "sha256:" + "2" * 64, candidate, identity),
        Arm("r1", "sha256:" + "1" * 64, baseline, identity),
        suite(),
        "evals/support@v1",
        "full",
        noise=floors,
    )


def stored(folder: Path) -> list[Noise]:
    return [
        noise
        for path in sorted(folder.glob("*.json"))
        for noise in NoiseFloors(folder).of(path.stem).values()
    ]


async def test_a_deterministic_pair_is_recognised_by_its_stored_repeats(tmp_path: Path) -> None:
    floors, pair = NoiseFloors(tmp_path), (Says(wrong=1), Says())
    first = await judged(floors, *pair)
    assert (first.outcome, first.categories[0].repeats, first.categories[0].standard_error) == ("pass", 3, 0)
    assert [(one.cases, one.repeats, one.spread, one.is_none) for one in stored(tmp_path)] == [
        (CASES, 3, 0.0, True)
    ] * 2
    again = Says(wrong=1), Says()
    second = await judged(floors, *again)
    assert (second.outcome, second.categories[0].repeats, second.categories[0].standard_error) == (
        "pass",
        1,
        0,
    )
    assert [one.asked for one in again] == [CASES, CASES]


async def test_other_words_than_were_measured_are_measured_anew(tmp_path: Path) -> None:
    """The provider changed something: that nothing varied was said of answers that it no longer gives."""
    floors = NoiseFloors(tmp_path)
    await judged(floors, Says(wrong=1), Says())
    found = await judged(floors, Says(wrong=1), Says(words=" indeed"))
    assert found.categories[0].repeats == 3
    assert (await judged(floors, Says(wrong=1), Says(words=" indeed"))).categories[0].repeats == 1


async def test_an_arm_that_was_not_measured_is_not_assumed(tmp_path: Path) -> None:
    floors = NoiseFloors(tmp_path)
    await judged(floors, Says(wrong=1), Says())
    assert (await judged(floors, Says(wrong=1), Says(), "server 2")).categories[0].repeats == 3
    assert (await judged(floors, Says(wrong=1), Says(), None)).categories[0].repeats == 3
    assert len(stored(tmp_path)) == 4  # what an application runs is in no digest: nothing is kept of it


async def test_noise_is_measured_as_the_deviation_of_the_mean(tmp_path: Path) -> None:
    floors = NoiseFloors(tmp_path)
    found = await judged(floors, Says(), Says(flaky=12))
    assert found.categories[0].repeats >= 3
    noisy = [one for one in stored(tmp_path) if not one.is_none]
    assert len(noisy) == 1 and noisy[0].answers == ""
    shares = {3: 1 / 3, 6: 0.3, 10: 10 * 0.25 / 9}  # sample variances of no at every second of r repeats
    assert noisy[0].spread == pytest.approx((12 * shares[noisy[0].repeats]) ** 0.5 / CASES)


def test_spread() -> None:
    assert spread([]) == 0
    assert spread([0.25] * 4) == 0.25
    assert spread([0.5, 0.5]) == 0.5


@pytest.mark.parametrize(
    "damage", [b"", b"{", b'{"categories": {"all": {"cases": 0}}}', b'{"x": 1}', b"\xff", b"[" * 9_999]
)
def test_a_damaged_file_is_as_if_nothing_was_measured(tmp_path: Path, damage: bytes) -> None:
    floors, key = NoiseFloors(tmp_path), arm_key("a", "b", "c", "d")
    floors.keep(key, {"all": Noise(cases=1, repeats=3, spread=0.0, answers="a" * 64)})
    assert floors.of(key)["all"].is_none
    (tmp_path / f"{key}.json").write_bytes(damage)
    assert floors.of(key) == {}


def test_a_folder_that_cannot_be_written_costs_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    floors = NoiseFloors(tmp_path / "file")
    floors.keep("a" * 64, {"all": Noise(cases=1, repeats=3, spread=0.0)})
    assert floors.of("a" * 64) == {}
