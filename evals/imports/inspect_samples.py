"""inspect's samples: `input`, `target`, `choices`, `id`, `metadata` in JSON lines, JSON or CSV
(inspect.aisi.org.uk/datasets.html)."""

from __future__ import annotations

import json
import re
import string
from collections.abc import Iterator
from typing import Any

from evals.imports.csv_text import parse_csv
from evals.imports.found import Draft, Found, Match, expected
from evals.imports.openai_evals import asked_of
from store.bounded import parse_json, parse_jsonl

_OTHER = ("sandbox", "files", "setup")
_LETTERS = re.compile(r"[A-Z](?:\s*,\s*[A-Z])*|[A-Z]{1,26}")


def read_inspect_lines(data: bytes, name: str, match: Match) -> Found:
    """Samples in JSON lines, or in one JSON list."""
    found = Found()
    rows: Iterator[tuple[int, Any]] | list[tuple[int, Any]]
    if data.lstrip().startswith(b"["):
        value = parse_json(data, name)
        rows = list(enumerate(value, 1)) if isinstance(value, list) else []
        what = "sample"
    else:
        rows, what = parse_jsonl(data, name), "line"
    for number, value in rows:
        _sample(value, f"{name}, {what} {number}", match, found)
    return found


def read_inspect_csv(data: bytes, name: str, match: Match) -> Found:
    """Samples in CSV; lists in cells are JSON, as inspect writes them."""
    found = Found()
    for line, cells in parse_csv(data, name):
        value: dict[str, Any] = {key: cell for key, cell in cells.items() if cell.strip()}
        for key in ("choices", "target", "metadata"):
            text = value.get(key, "")
            if isinstance(text, str) and text.lstrip().startswith(("[", "{")):
                value[key] = parse_json(text.encode(), f"{name}, line {line}, {key}")
        _sample(value, f"{name}, line {line}", match, found)
    return found


def looks_like(value: Any) -> bool:
    """Whether a line is one of these."""
    return isinstance(value, dict) and "input" in value and "target" in value


def _sample(value: Any, where: str, match: Match, found: Found) -> None:
    if not isinstance(value, dict) or "input" not in value:
        return found.cannot(where, "it has no input")
    other = next((key for key in _OTHER if value.get(key)), None)
    if other is not None:
        return found.cannot(where, f"it wants {other}, which is more than a question")
    asked, why = asked_of(value["input"])
    if asked is None:
        return found.cannot(where, why)
    target = value.get("target")
    targets = tuple(
        str(one)
        for one in (target if isinstance(target, list) else [target])
        if isinstance(one, str | int | float) and str(one).strip()
    )
    choices = value.get("choices")
    if not targets:
        return found.cannot(where, "it has no target")
    metadata = value.get("metadata")
    category = metadata.get("category") if isinstance(metadata, dict) else None
    if isinstance(choices, list) and choices:
        made = _choice(asked, choices, targets)
        if made is None:
            return found.cannot(where, "its choices do not go with its input and target")
        asked, graders, reference = made
    else:
        graders, reference = expected(targets, match)
    id = value.get("id")
    found.drafts.append(
        Draft(
            where,
            asked,
            graders,
            name=str(id) if isinstance(id, str | int) else "",
            category=category if isinstance(category, str) else "",
            reference=reference,
        )
    )
    return None


def _choice(
    asked: Any, choices: list[Any], targets: tuple[str, ...]
) -> tuple[str, tuple[dict[str, Any], ...], None] | None:
    """The question with lettered choices; the answer has to begin with the right letters."""
    texts = [one if isinstance(one, str) else json.dumps(one) for one in choices]
    joined = ",".join(targets) if len(targets) > 1 else targets[0].strip()
    fits = len(texts) <= len(string.ascii_uppercase) and _LETTERS.fullmatch(joined)
    if not isinstance(asked, str) or not fits:
        return None
    letters = sorted(set(re.findall("[A-Z]", joined)))
    lettered = zip(string.ascii_uppercase, texts, strict=False)
    listed = "\n".join(f"{letter}) {text}" for letter, text in lettered)
    how = "Answer with the letter alone." if len(letters) == 1 else "Answer with the letters alone, in order."
    pattern = r"\A\W*" + r"\W*(?:and\W*)?".join(letters) + r"\b(?!\W*[A-Z]\b)"
    return f"{asked}\n\n{listed}\n\n{how}", ({"grader": "regex", "pattern": pattern},), None
