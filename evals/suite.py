"""A version of an eval suite: suite.toml and cases.jsonl, read strictly."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evals.case import Case
from evals.gate import CONFIRMATIONS, GATING_CASES, STATISTICAL_CASES
from evals.graders import GRADERS
from evals.judge.coverage import judged_coverage
from evals.judge.labels import LABELS, Label, judges_of, parse_labels
from evals.suite_live import LiveSpecs, parse_live
from store.bounded import parse_jsonl, read_toml, validate
from store.canonical import digest_of_files
from store.errors import InputError
from store.records.policy import TIERS, Tier
from store.records.versions import SuiteInfo
from store.text import one_line

CASES_LIMIT = 64 * 1024 * 1024
"""Bytes of cases.jsonl."""
_MOST_REPEATS = 100


@dataclass(frozen=True, slots=True)
class Suite:
    """A suite that has been read: every case is valid and in a category of suite.toml."""

    info: SuiteInfo
    cases: tuple[Case, ...]
    """In the order of the file."""
    digest: str
    """`sha256:` over all files of the version."""
    live: LiveSpecs | None = None
    """The graders of live answers; None where suite.toml has no `[live]`."""
    labels: tuple[Label, ...] = ()
    """What people said of answers that the judge is measured by."""

    def select(self, tier: Tier) -> tuple[Case, ...]:
        """The cases of `tier`, which holds those of the tiers before it, in the order of the file."""
        held = TIERS[: TIERS.index(tier) + 1]
        return tuple(case for case in self.cases if case.tier in held)

    def categories(self, tier: Tier) -> tuple[str, ...]:
        """The categories that have cases in `tier`, in the order of suite.toml."""
        present = {case.category for case in self.select(tier)}
        return tuple(policy.name for policy in self.info.categories if policy.name in present)

    def coverage(self, tier: Tier = "extended") -> tuple[str, ...]:
        """One sentence per category about how its cases of `tier` can carry the gate."""
        counts = Counter(case.category for case in self.select(tier))
        sentences = [_carries(policy.name, counts[policy.name]) for policy in self.info.categories]
        sentences += judged_coverage(self.select(tier), self.cases, self.labels)
        if max(self.info.repeats) < CONFIRMATIONS:
            sentences.append(
                f"repeats end at {max(self.info.repeats)}: nothing can be confirmed before {CONFIRMATIONS}, "
                "so doubtful categories stay inconclusive."
            )
        return tuple(sentences)


def parse_suite(files: Mapping[str, bytes], where: str) -> Suite:
    """The suite in `files` (by path within the version's folder): suite.toml, cases.jsonl, labels.jsonl.

    Raises InputError: one sentence with file, line and field. `where` names the version.
    """
    for name in ("suite.toml", "cases.jsonl"):
        if name not in files:
            raise InputError(f"{where} has no {name}; a suite is suite.toml and cases.jsonl.")
    info = read_toml(SuiteInfo, files["suite.toml"], f"{where}/suite.toml")
    _check_info(info, f"{where}/suite.toml")
    cases = _read_cases(files["cases.jsonl"], info, f"{where}/cases.jsonl")
    for policy in info.categories:
        if not any(case.category == policy.name for case in cases):
            raise InputError(
                f"{where}/suite.toml: categories: no case of cases.jsonl is in "
                f"{one_line(policy.name, 60)!r}; add some or remove the category."
            )
    live = parse_live(info.live, f"{where}/suite.toml") if info.live is not None else None
    labels = parse_labels(files[LABELS], cases, f"{where}/{LABELS}") if LABELS in files else ()
    return Suite(info, cases, digest_of_files(files), live, labels)


def _check_info(info: SuiteInfo, where: str) -> None:
    names = [policy.name for policy in info.categories]
    twice = next((name for name in names if names.count(name) > 1), None)
    odd = next((name for name in names if not name or one_line(name, 100) != name), None)
    if odd is not None:
        raise InputError(
            f"{where}: categories: {one_line(odd, 60)!r} is no name; give up to 100 plain characters."
        )
    if twice is not None:
        raise InputError(f"{where}: categories: {one_line(twice, 60)!r} is given twice.")
    if (
        list(info.repeats) != sorted(set(info.repeats))
        or not 1 <= info.repeats[0] <= info.repeats[-1] <= _MOST_REPEATS
    ):
        raise InputError(
            f"{where}: repeats: give rising numbers from 1 to {_MOST_REPEATS}, such as [1, 3, 6, 10]."
        )
    if info.target == "python" and not info.callable:
        raise InputError(
            f'{where}: callable: the target python needs one, such as "package.module:function".'
        )
    if info.target == "http" and not info.url:
        raise InputError(f"{where}: url: the target http needs one.")


def _read_cases(data: bytes, info: SuiteInfo, where: str) -> tuple[Case, ...]:
    if len(data) > CASES_LIMIT:
        raise InputError(
            f"{where} has {len(data):,} bytes; at most {CASES_LIMIT:,} are read. Split the suite."
        )
    cases: list[Case] = []
    lines: dict[str, int] = {}
    for number, value in parse_jsonl(data, where):
        line = f"{where}, line {number}"
        case = _read_case(value, line)
        if info.judge is None and (place := next(iter(judges_of(case)), None)) is not None:
            raise InputError(
                f"{line}: expect.{place}: judge needs a model to ask: add [judge] with "
                'model = "model/NAME@vN" to suite.toml.'
            )
        if case.category not in {policy.name for policy in info.categories}:
            known = ", ".join(policy.name for policy in info.categories[:10])
            raise InputError(
                f"{line}: category: {one_line(case.category, 60)!r} is not in suite.toml, "
                f"which has {one_line(known)}."
            )
        for key, field in ((f"id {case.id}", "id"), (case.content_hash, "the content")):
            if key in lines:
                raise InputError(
                    f"{line}: {field} is the same as on line {lines[key]}; every case needs its own."
                )
            lines[key] = number
        cases.append(case)
    if not cases:
        raise InputError(f"{where} has no cases.")
    return tuple(cases)


def _read_case(value: Any, line: str) -> Case:
    _check_graders(value, line)
    case = validate(Case, value, line)
    for index, spec in enumerate(case.expect):
        lack = spec.lacks(case)
        if lack is not None:
            raise InputError(f"{line}: {lack[0]}: {lack[1]} (expect.{index}).")
    return case


def _check_graders(value: Any, line: str) -> None:
    """The names of graders first: the model's own words for an unknown one do not say it plainly."""
    expect = value.get("expect") if isinstance(value, dict) else None
    for index, spec in enumerate(expect if isinstance(expect, list) else ()):
        name = spec.get("grader", "") if isinstance(spec, dict) else None
        if isinstance(name, str) and name not in GRADERS:
            trouble = f"there is no grader {one_line(name, 60)!r}" if name else "it names no grader"
            raise InputError(f"{line}: expect.{index}.grader: {trouble}; use one of {', '.join(GRADERS)}.")


def _carries(name: str, count: int) -> str:
    shown = one_line(name, 60)
    if count >= STATISTICAL_CASES:
        return f"{shown} has {count} cases: enough to be compared as a whole."
    if count >= GATING_CASES:
        return (
            f"{shown} has {count} cases: one is {100 / count:.1f} points, so any confirmed regression blocks "
            f"({STATISTICAL_CASES} cases are compared as a whole)."
        )
    cases = "1 case" if count == 1 else f"{count} cases"
    return (
        f"{shown} has {cases}: too few to gate ({GATING_CASES} are needed); "
        "only floor, zero tolerance and must_pass count."
    )
