"""Drafting a case from a bad answer: the next version of the suite with one case more."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from console.operations.evals import amending
from console.operations.evals.amending import Amended
from console.operations.plan import Plan
from evals.case import Input
from evals.graders.base import Spec
from evals.suite import Suite, parse_suite
from store.bounded import LINE_LIMIT, parse_json
from store.canonical import canonical_json
from store.errors import InputError
from store.records.component import Component
from store.records.policy import Tier
from store.text import json_safe, one_line
from store.workspace import Workspace

TAG = "from-an-answer"
"""What a drafted case is tagged with."""
_WORDED = {
    "contains": "all",
    "not_contains": "any",
    "equals": "value",
    "regex": "pattern",
    "fuzzy": "value",
    "judge": "rubric",
}
"""Graders that can be written as their name and one text: the argument that takes it."""
_LISTS = ("contains", "not_contains")
_REFUSAL = "refusal"
_ID = re.compile(r"[^a-z0-9]+")
_ID_LONG = 40
_SHOWN = 600


@dataclass(frozen=True, slots=True)
class CaseDraft:
    """A case that a person writes, as far as it is filled in."""

    suite: str
    """`evals/name`."""
    id: str
    input: Input
    category: str
    expects: str
    """A grader's name and a text, such as `contains 30 days`; or JSON, as `expect` of a case has it."""
    about: str
    """Where the answer was seen, in half a sentence: "an answer of r2"."""
    tier: Tier = "full"


def id_for(question: str, taken: Collection[str]) -> str:
    """An id of the first words of `question` that is not in `taken`."""
    words = _ID.sub("-", question.lower()).strip("-")[:_ID_LONG].strip("-") or "case"
    names = (words, *(f"{words}-{number}" for number in range(2, len(taken) + 3)))
    return next(name for name in names if name not in taken)


def suite_of(workspace: Workspace, name: str) -> Suite:
    """The newest version of the suite called `evals/name`. Raises InputError."""
    snapshot = workspace.store.at()
    pin = snapshot.newest(Component.parse(name))
    return parse_suite(snapshot.files(pin), str(pin))


def told(expect: Sequence[Spec]) -> str:
    """What a case expects as `CaseDraft.expects` has it: in words where that says all of it, else JSON."""
    plain = [spec.model_dump(mode="json", by_alias=True, exclude_defaults=True) for spec in expect]
    words = _in_words(plain[0]) if len(plain) == 1 else None
    return words or json_safe(json.dumps(plain, ensure_ascii=False))


def understood(expects: str) -> list[dict[str, Any]]:
    """The entries of `expect` that were meant. Raises InputError with how to write it."""
    text = expects.strip()
    if text.startswith(("[", "{")):
        value = parse_json(text.encode(errors="replace"), "what is expected", LINE_LIMIT)
        entries = value if isinstance(value, list) else [value]
        if not entries or not all(isinstance(one, dict) for one in entries):
            raise InputError(f"what is expected is no list of graders: {_HOW}")
        return entries
    name, _, words = text.partition(" ")
    words = words.strip()
    if name == _REFUSAL and not words:
        return [{"grader": name}]
    if name not in _WORDED:
        known = f"{one_line(name, 40)!r} is no grader that takes a text" if name else "it is empty"
        raise InputError(f"what is expected cannot be read, {known}: {_HOW}")
    if not words:
        raise InputError(f"{name} wants a text after it: {_HOW}")
    return [{"grader": name, _WORDED[name]: [words] if name in _LISTS else words}]


def _in_words(spec: dict[str, Any]) -> str | None:
    """`contains 30 days`; None for a grader with more than one text, or with other arguments."""
    name, rest = str(spec["grader"]), {key: value for key, value in spec.items() if key != "grader"}
    if name == _REFUSAL and not rest:
        return name
    if len(rest) != 1 or name not in _WORDED:
        return None
    ((key, value),) = rest.items()
    if name in _LISTS and key in ("any", "all") and isinstance(value, list) and len(value) == 1:
        key, value = _WORDED[name], value[0]  # of one text, any and all are the same
    if key != _WORDED[name] or not isinstance(value, str) or value != one_line(value, len(value) + 1):
        return None
    return f"{name} {value}"


_HOW = 'write a grader and a text, such as "contains 30 days", or the JSON of `expect`.'


def plan(workspace: Workspace, draft: CaseDraft) -> Plan:
    """What landing `draft` in the next version of its suite would do.

    The case is `must_pass`: once a release gets it right, none that gets it wrong goes on. Raises
    InputError where the draft is no case, or the suite has one of its id or content.
    """
    case = {
        "id": draft.id.strip(),
        "input": _plain(draft.input),
        "expect": understood(draft.expects),
        "category": draft.category.strip(),
        "tier": draft.tier,
        "must_pass": True,
        "tags": [TAG],
    }
    line = json_safe(canonical_json(case).decode()).encode()

    def amend(read: Suite, files: dict[str, bytes]) -> Amended:
        if any(one.id == case["id"] for one in read.cases):
            raise InputError(f"{draft.suite} has a case {one_line(draft.id, 60)!r} already: give another id.")
        cases = files["cases.jsonl"]
        gap = b"" if not cases or cases.endswith(b"\n") else b"\n"
        amended = Amended(
            {"cases.jsonl": cases + gap + line + b"\n"},
            f"case {one_line(draft.id, 60)}, from {draft.about}",
            (
                f"cases.jsonl gets: {one_line(line.decode(), _SHOWN)}",
                "the case is must_pass: a release that fails it is blocked, unless its baseline fails it too",
            ),
        )
        _check(amended.files["cases.jsonl"], files, draft)
        return amended

    return amending.plan(workspace, Component.parse(draft.suite), amend)


def _check(cases: bytes, files: dict[str, bytes], draft: CaseDraft) -> None:
    """Reads the suite with the case, so that what is wrong is told of the case and not of a line number."""
    try:
        parse_suite({**files, "cases.jsonl": cases}, draft.suite)
    except InputError as error:
        why = re.sub(r"^.*?, line \d+: ", "", error.message)
        if why.startswith("the content is the same"):
            raise InputError(
                f"{draft.suite} has this very case already, by another id: expect something else."
            ) from None
        raise InputError(f"the case {one_line(draft.id, 60)!r} cannot be added: {why}") from None


def _plain(value: Input) -> Any:
    """The input as JSON has it."""
    if isinstance(value, tuple):
        return [one.model_dump(mode="json") for one in value]
    return value
