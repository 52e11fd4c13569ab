"""Every format is read back by what people read it with, and no text in it acts."""

from __future__ import annotations

import csv
import io
import json
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import pytest
from bs4 import BeautifulSoup
from hypothesis import given, settings
from junitparser import Error, Failure, JUnitXml
from markdown_it import MarkdownIt

from evals.reports.bounds import FLIPS
from evals.reports.files import FORMATS, rendered
from evals.reports.report import Report
from store.text import safe_text
from tests.reports.making_reports import ATTACKS, a_report, foreign

_OURS = {
    "html", "head", "body", "p", "h1", "h2", "h3", "ul", "li", "table", "thead", "tbody", "tr", "th", "td",
    "pre", "code", "details", "summary", "strong",
}  # fmt: skip


def text_of(report: Report, ending: str) -> str:
    return rendered(report, ending).decode()


def whole(page: str) -> str:
    """A rendered text without what white space does in HTML."""
    return " ".join(page.split())


def as_github(report: Report) -> BeautifulSoup:
    """The Markdown as GitHub renders it: tables, raw HTML, and addresses that become links."""
    markdown = MarkdownIt("gfm-like", {"html": True, "linkify": True}).enable(["table", "linkify"])
    return BeautifulSoup(markdown.render(text_of(report, ".md")), "html.parser")


@settings(max_examples=60, deadline=None)
@given(foreign)
def test_markdown_lets_no_text_out_of_code(text: str) -> None:
    page = as_github(a_report(text))
    assert {tag.name for tag in page.find_all(True)} <= _OURS | {"style"}
    assert not page.find_all("a") and not page.find_all("img")
    for tag in page.find_all(True):
        assert not [name for name in tag.attrs if name not in ("style", "class")], tag
    assert len(page.find_all("details")) == 2 and len(page.find_all("table")) == 1
    assert {len(row.find_all(["td", "th"])) for row in page.find_all("tr")} == {8}
    shown = safe_text(text)
    blocks = [block.get_text() for block in page.find_all("pre")]
    assert all(block.endswith("\n") for block in blocks)
    if shown.strip("\n"):
        assert f"{shown}\n" in blocks or f"{shown.rstrip()}\n" in [one.rstrip() + "\n" for one in blocks]
    for code in page.find_all(["code", "pre"]):
        code.decompose()
    assert "evil" not in page.get_text() and "@" not in page.get_text() and "#" not in page.get_text()


@settings(max_examples=50, deadline=None)
@given(foreign)
def test_html_has_no_script_no_address_and_all_of_the_text(text: str) -> None:
    source = text_of(a_report(text), ".html")
    page = BeautifulSoup(source, "html.parser")
    assert not page.find_all(["script", "a", "img", "iframe", "link", "object", "form", "base"])
    for tag in page.find_all(True):
        assert not [name for name in tag.attrs if name.startswith("on") or name in ("href", "src", "style")]
    policy = page.find("meta", {"http-equiv": "Content-Security-Policy"})["content"]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    assert len(page.find_all("details")) == 4  # two flips, each with one passage
    assert any(whole(block.get_text()) == whole(safe_text(text)) for block in page.find_all("pre"))


def test_the_pages_policy_names_its_own_style() -> None:
    import base64
    import hashlib

    source = text_of(a_report(), ".html")
    style = re.search(r"<style>(.*?)</style>", source, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"'sha256-{digest}'" in source


class _Strict(HTMLParser):
    """Counts tags that were opened and never closed."""

    open: int = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002
        self.open += tag in ("div", "details", "pre", "table", "svg", "ul", "body")

    def handle_endtag(self, tag: str) -> None:
        self.open -= tag in ("div", "details", "pre", "table", "svg", "ul", "body")


@pytest.mark.parametrize("text", ATTACKS)
def test_html_closes_what_it_opens(text: str) -> None:
    parser = _Strict()
    parser.feed(text_of(a_report(text), ".html"))
    assert parser.open == 0


@settings(max_examples=50, deadline=None)
@given(foreign)
def test_csv_has_no_formula_and_every_row_is_whole(text: str) -> None:
    rows = list(csv.reader(io.StringIO(text_of(a_report(text), ".csv"), newline="")))
    assert len({len(row) for row in rows}) == 1 and [row[0] for row in rows[1:]] == [
        "category", "category", "flip", "flip",
    ]  # fmt: skip
    for cell in (cell for row in rows for cell in row):
        number = re.fullmatch(r"-?\d+(\.\d+)?(e-?\d+)?", cell)
        assert number or not re.match(r"\s*[=+\-@＝＋－＠]|\t", cell), cell
    assert rows[1][rows[0].index("difference")] == "-0.1"
    defused = safe_text(text).replace("\r\n", "\n")
    assert rows[3][rows[0].index("answer_after")].removeprefix("'") == defused


def test_a_report_without_rows_has_a_header() -> None:
    from dataclasses import replace

    assert text_of(replace(a_report(), categories=(), flips=()), ".csv").startswith("row,candidate,")


@settings(max_examples=50, deadline=None)
@given(foreign)
def test_xml_is_well_formed_and_holds_no_forbidden_character(text: str) -> None:
    data = rendered(a_report(text), ".xml")
    root = ET.fromstring(data)
    assert next(root.iter("testcase")).get("name") == "verdict"
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]", data.decode())
    assert len(list(root.iter("testcase"))) == 3


def test_a_junit_parser_reads_what_failed() -> None:
    read = JUnitXml.fromstring(rendered(a_report("fell by 10 points"), ".xml"))
    (suite,) = list(read)
    assert (read.tests, read.failures, read.errors) == (3, 2, 0) and suite.time == 12.5
    verdict, fell, tone = list(suite)
    assert isinstance(verdict.result[0], Failure) and verdict.result[0].type == "block"
    assert isinstance(fell.result[0], Failure) and "candidate: fell by" in fell.result[0].text
    assert not tone.result and {one.name for one in suite.properties()} >= {"candidate", "baseline", "tier"}


@pytest.mark.parametrize("word", ["inconclusive", "look", "unfinished", "error"])
def test_what_is_undecided_is_never_shown_as_passed(word: str) -> None:
    from dataclasses import replace

    report = replace(a_report(word="inconclusive"), word=word)
    read = JUnitXml.fromstring(rendered(report, ".xml"))
    assert read.failures == 0 and read.errors == 2
    assert all(isinstance(case.result[0], Error) for case in list(next(iter(read)))[:2])


@settings(max_examples=40, deadline=None)
@given(foreign)
def test_json_and_its_lines_say_the_same_and_act_on_no_terminal(text: str) -> None:
    report = a_report(text)
    document = json.loads(rendered(report, ".json"))
    lines = [json.loads(line) for line in text_of(report, ".jsonl").splitlines()]
    assert document["format"] == "lockgate.report/1" and document["outcome"] == "block"
    for name in ("category", "flip", "noise"):
        own = [
            {key: value for key, value in one.items() if key != "line"}
            for one in lines
            if one["line"] == name
        ]
        plural = {"category": "categories", "flip": "flips", "noise": "noise"}[name]
        assert own == document[plural]
    assert document["flips"][0]["before"]["answer"] == text
    for ending in (".json", ".jsonl"):
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e\u200b]", text_of(report, ending))


@pytest.mark.parametrize("ending", FORMATS)
def test_a_large_run_makes_no_large_file(ending: str) -> None:
    report = a_report("long \u200b" * 20_000, flips=FLIPS + 50)
    data = rendered(report, ending)
    assert len(data) < {".md": 100_000, ".xml": 1_000_000}.get(ending, 40_000_000)
    if ending == ".md":
        assert len(data.decode()) < 65_536, "a comment on GitHub"
        assert re.search(r"… and 2\d\d more flipped cases", data.decode())
    if ending == ".json":
        assert json.loads(data)["more_flips"] == 50


def test_markdown_says_what_a_reviewer_needs() -> None:
    text = text_of(a_report("Express takes a week"), ".md")
    assert text.startswith("## Blocked: `r2` against `r1`, `full` tier\n")
    assert "−10.0 [−15.4, −4.6]" in text and "60 × 3" in text
    assert "worse, 1.00 → 0.00" in text and "**Baseline**, score 1.00 (1, 1)" in text
    assert "240 answers (120 known from before)" in text and "0.2500 US dollars" in text
    assert "± 1.0 points from run to run" in text
