"""The samples in docs/evals.md and docs/graders.md are what the program reads: whole, and every field."""

from __future__ import annotations

import json
import re
from pathlib import Path

from evals.graders import GRADERS
from evals.suite import Suite, parse_suite
from store.records.versions import CategoryPolicy, SuiteInfo

DOCS = Path(__file__).parents[2] / "docs"
PAGES = ("evals.md", "graders.md")
_BLOCK = re.compile(r"```\n(.*?)\n```", re.DOTALL)


def _samples() -> tuple[list[str], list[str]]:
    """(suite.toml samples, lines of cases.jsonl) as the pages have them."""
    text = "\n".join((DOCS / page).read_text(encoding="utf-8") for page in PAGES)
    blocks = _BLOCK.findall(text)
    cases = [line for block in blocks if block.startswith("{") for line in block.splitlines()]
    return [block for block in blocks if "[[categories]]" in block], cases


def _parsed(toml: str, cases: list[str]) -> Suite:
    files = {"suite.toml": toml.encode(), "cases.jsonl": "\n".join(cases).encode()}
    return parse_suite(files, "docs/evals.md")


def test_the_suite_and_a_case_for_every_grader_parse_together() -> None:
    suites, cases = _samples()
    suite = _parsed(suites[0], cases)
    used = {spec["grader"] for line in cases for spec in json.loads(line)["expect"]}
    assert used == set(GRADERS)
    assert {type(case.input) for case in suite.cases} == {str, tuple, dict}


def test_the_pages_show_every_field_and_tell_the_defaults_right() -> None:
    suites, cases = _samples()
    for field in (SuiteInfo.model_fields.keys() | CategoryPolicy.model_fields.keys()) - {"categories"}:
        shows = re.compile(rf"^({field} = |\[+{field}[.\]])", re.MULTILINE)
        assert any(shows.search(toml) for toml in suites), field
    shown = [spec for line in cases for spec in json.loads(line)["expect"]]
    for name, grader in GRADERS.items():
        fields = {field.alias or key for key, field in grader.model_fields.items()} - {"normalise", "weight"}
        told = {key for spec in shown if spec["grader"] == name for key in spec}
        assert fields <= told, (name, fields - told)
    info = _parsed(suites[0], cases).info
    plain = SuiteInfo.model_validate({"categories": [{"name": "relevance"}]}, strict=False)
    for field in ("target", "retrieve", "alpha", "repeats"):
        assert getattr(info, field) == getattr(plain, field), field
    assert info.categories[0].margin == plain.categories[0].margin


def test_the_suites_that_ask_the_application_parse() -> None:
    suites, cases = _samples()
    relevance = [line for line in cases if json.loads(line)["category"] == "relevance"]
    targets = [_parsed(toml, relevance).info.target for toml in suites[1:]]
    assert targets == ["python", "http"]
