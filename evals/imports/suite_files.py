"""The files of a suite from what an import found."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from evals.case import Case
from evals.imports.found import Draft, Found, Said
from evals.suite import parse_suite
from store.bounded import validate
from store.errors import InputError
from store.records.component import Pin
from store.records.policy import TIERS, Tier
from store.text import json_safe, one_line

_NO_ID = re.compile(r"[^a-z0-9]+")
_LONG = 60


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a person says of an import."""

    category: str = "general"
    """Of cases that name none."""
    tier: Tier = "full"
    """Of cases that name none."""
    judge: str | None = None
    """`model/name@vN`: who answers graders that want a judge."""
    skip_unsupported: bool = False


@dataclass(frozen=True, slots=True)
class Imported:
    """What is to be written, and what is not."""

    files: dict[str, bytes]
    cases: int
    left_out: tuple[Said, ...]
    remarks: tuple[Said, ...]


class Unsupported(InputError):
    """There are things that cannot be imported; `said` has each with its line."""

    def __init__(self, file: str, said: Sequence[Said]) -> None:
        many = f"{len(said)} things" if len(said) > 1 else "one thing"
        super().__init__(
            f"{one_line(file, 120)} has {many} that cannot be imported, the first at {said[0]}; "
            "--skip-unsupported leaves out what cannot be."
        )
        self.said = tuple(said)


def suite_files(found: Found, file: str, wishes: Wishes) -> Imported:
    """`suite.toml` and `cases.jsonl` of what was `found` in `file`.

    Raises Unsupported where something cannot be kept and nobody said to leave that out, InputError where
    nothing is left.
    """
    left_out = list(found.unsupported)
    rows = list(_rows(found.drafts, wishes, left_out))
    left_out.sort(key=lambda one: _place(one.where))
    if left_out and not wishes.skip_unsupported:
        raise Unsupported(file, left_out)
    if not rows:
        first = f", the first at {left_out[0]}" if left_out else ""
        raise InputError(f"{one_line(file, 120)} has no case that can be imported{first}.")
    categories = list(dict.fromkeys(str(row["category"]) for row in rows))
    if any(one["grader"] == "judge" for row in rows for one in row["expect"]):
        judge = f"\n[judge]\nmodel = {json.dumps(str(wishes.judge))}\n"
    else:
        judge = ""
    toml = "".join(f"\n[[categories]]\nname = {json.dumps(name)}\n" for name in categories)
    files = {
        "suite.toml": f"what_changed = {json.dumps(f'imported from {_name(file)}')}\n{toml}{judge}".encode(),
        "cases.jsonl": b"".join(
            json_safe(json.dumps(row, ensure_ascii=False)).encode(errors="replace") + b"\n" for row in rows
        ),
    }
    parse_suite(files, _name(file))
    return Imported(files, len(rows), tuple(left_out), tuple(found.remarks))


def _rows(drafts: Sequence[Draft], wishes: Wishes, left_out: list[Said]) -> Any:
    taken: set[str] = set()
    seen: dict[str, str] = {}
    for number, draft in enumerate(drafts, 1):
        expect = tuple(one for one in draft.expect if wishes.judge or one["grader"] != "judge")
        if len(expect) < len(draft.expect):
            left_out.append(Said(draft.where, "it wants a judge: name its model with --judge model/NAME@vN"))
        if not expect:
            continue
        row = _row(draft, expect, _id(draft.name, number, taken), wishes)
        try:
            case = validate(Case, row, draft.where)
            lack = next((found for spec in case.expect if (found := spec.lacks(case))), None)
        except InputError as error:
            left_out.append(Said(draft.where, error.message.removeprefix(f"{draft.where}: ").rstrip(".")))
            continue
        if lack is not None:
            left_out.append(Said(draft.where, f"{lack[0]}: {lack[1]}"))
        elif case.content_hash in seen:
            left_out.append(Said(draft.where, f"it is the same as {seen[case.content_hash]}"))
        else:
            seen[case.content_hash] = draft.where
            taken.add(case.id)
            yield row


def _row(draft: Draft, expect: tuple[dict[str, Any], ...], id: str, wishes: Wishes) -> dict[str, Any]:
    tier = draft.tier or wishes.tier
    row: dict[str, Any] = {
        "id": id,
        "input": draft.input,
        "category": one_line(draft.category, 100) or wishes.category,
        "expect": list(expect),
    }
    if tier != "full":
        row["tier"] = tier if tier in TIERS else str(tier)
    if draft.reference is not None:
        row["reference"] = draft.reference
    if draft.context_ids:
        row["context_ids"] = list(draft.context_ids)
    if draft.tags:
        row["tags"] = list(draft.tags)
    if draft.must_pass:
        row["must_pass"] = True
    return row


def _id(name: str, number: int, taken: set[str]) -> str:
    """`name` as an id that nobody has; without one, the case's number."""
    plain = _NO_ID.sub("-", name.lower()).strip("-")[:_LONG].strip("-") or f"case-{number}"
    if plain not in taken:
        return plain
    return next(one for more in range(2, len(taken) + 3) if (one := f"{plain}-{more}") not in taken)


def check_judge(pin: str) -> str:
    """`pin` as suites name a judge. Raises InputError."""
    return str(Pin.parse(pin))


def _name(file: str) -> str:
    return one_line(file.rpartition("/")[2], 80) or "a file"


def _place(where: str) -> tuple[str, int]:
    file, _, line = where.rpartition("line ")
    return file, int(line) if line.isdigit() else 0
