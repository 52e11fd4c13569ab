"""JUnit XML, as CI servers read it: one test case for each category, and one for the verdict as a whole.

A block is a failure. What is undecided is an error, so that no server shows it as passed.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from evals.reports import words
from evals.reports.bounds import cut, left_out
from evals.reports.report import Category, FlippedCase, Report
from store.text import one_line, safe_text

_FLIPS = 20
_ANSWER = 1_000
_FORBIDDEN = re.compile("[\ufffe\uffff]")
"""What XML 1.0 does not allow (section 2.2) and `safe_text` leaves."""


Result = Literal["passed", "failure", "error"]


@dataclass(frozen=True, slots=True)
class Test:
    """One test case."""

    group: str
    name: str
    result: Result = "passed"
    kind: str = ""
    """The type of a failure or an error, in one word."""
    message: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Tests:
    """One suite of them."""

    name: str
    tests: tuple[Test, ...]
    seconds: float | None = None
    properties: tuple[tuple[str, str], ...] = ()


def render(report: Report) -> bytes:
    """`report` as JUnit XML in UTF-8."""
    return document([tests_of(report)])


def document(suites: Sequence[Tests]) -> bytes:
    """`suites` as one file."""
    root = ET.Element("testsuites", _counts([test for suite in suites for test in suite.tests]))
    root.set("name", "lockgate")
    for suite in suites:
        _add(root, suite)
    ET.indent(root)
    data: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return data + b"\n"


def tests_of(report: Report) -> Tests:
    """The verdict, then its categories."""
    found = {"candidate": report.candidate.release, "tier": report.tier, "outcome": report.word}
    if report.baseline:
        found["baseline"] = report.baseline.release
    if report.verdict:
        found["verdict"] = report.verdict
    categories = [_category(one, report.flips) for one in report.categories]
    return Tests(
        f"evals of {words.sides(report)}",
        (_whole(report), *categories),
        report.cost.seconds,
        (*found.items(), *report.digests),
    )


def _whole(report: Report) -> Test:
    results: dict[str, Result] = {"pass": "passed", "nothing to run": "passed", "block": "failure"}
    result = results.get(report.word, "error")
    return Test(
        "evals",
        "verdict",
        result,
        report.word,
        report.reasons[0] if report.reasons else words.headline(report),
        "\n".join([words.headline(report), *report.reasons, words.cost(report.cost)]),
    )


def _category(one: Category, flips: Iterable[FlippedCase]) -> Test:
    own = [flip for flip in flips if (flip.suite or one.suite, flip.category) == (one.suite, one.name)]
    lines = [
        f"{words.points(one.baseline)} → {words.points(one.candidate)}, D {words.interval(one)} points, "
        f"margin {words.points(-one.margin)}, {one.cases} cases × {one.repeats}",
        *(line for flip in own[:_FLIPS] for line in _flip(flip)),
    ]
    if len(own) > _FLIPS:
        lines.append(left_out(len(own) - _FLIPS, "flipped case"))
    undecided = one.word in ("inconclusive", "so far")
    result: Result = "failure" if one.word == "block" else "error" if undecided else "passed"
    return Test(one.suite, one.name, result, one.word, one.reason, "\n".join(lines))


def _flip(one: FlippedCase) -> list[str]:
    return [
        "",
        f"{one.way}: {one.case} ({one.before.score:.2f} → {one.after.score:.2f})",
        f"question: {cut(one.question, _ANSWER)}",
        f"baseline: {cut(one.before.text, _ANSWER)}",
        f"candidate: {cut(one.after.text, _ANSWER)}",
        *(f"grade: {reason}" for reason in one.after.reasons[:10]),
    ]


def _add(root: ET.Element, suite: Tests) -> None:
    attributes = _counts(suite.tests)
    if suite.seconds is not None:
        attributes["time"] = f"{suite.seconds:.3f}"
    node = ET.SubElement(root, "testsuite", {"name": _line(suite.name), **attributes})
    if suite.properties:
        properties = ET.SubElement(node, "properties")
        for name, value in suite.properties:
            ET.SubElement(properties, "property", {"name": _line(name), "value": _line(value)})
    for test in suite.tests:
        case = ET.SubElement(node, "testcase", {"classname": _line(test.group), "name": _line(test.name)})
        if test.result == "passed":
            if test.detail:
                ET.SubElement(case, "system-out").text = _text(test.detail)
            continue
        told = {"message": _line(test.message, 500), "type": _line(test.kind)}
        ET.SubElement(case, test.result, told).text = _text(test.detail)


def _counts(tests: Sequence[Test]) -> dict[str, str]:
    return {
        "tests": str(len(tests)),
        "failures": str(sum(test.result == "failure" for test in tests)),
        "errors": str(sum(test.result == "error" for test in tests)),
        "skipped": "0",
    }


def _line(text: str, limit: int = 200) -> str:
    return _FORBIDDEN.sub("�", one_line(text, limit))


def _text(text: str) -> str:
    return _FORBIDDEN.sub("�", safe_text(text))
