"""What two index versions are asked: the cases of a suite, or the lines of a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from pydantic import Field, StringConstraints

from evals.retrieval_change import Question
from evals.suite import parse_suite
from store.bounded import JSON_LIMIT, decode_text, parse_jsonl, validate
from store.errors import InputError, MachineryError
from store.records.base import Strict
from store.records.component import Kind
from store.snapshot import Snapshot
from store.text import one_line

MOST = 10_000
"""Questions of one comparison."""
_LONGEST = 20_000

_Text = Annotated[str, StringConstraints(min_length=1, max_length=_LONGEST, pattern=r"\S")]


class Query(Strict):
    """One line of a JSONL file of questions."""

    query: _Text
    """What is asked."""
    id: _Text | None = None
    """Its name; else the number of the line."""
    context_ids: tuple[_Text, ...] = Field(default=(), max_length=1000)
    """Ids of the rows, or of the source documents, that answer it."""


def questions_of_suite(snapshot: Snapshot, ref: str) -> tuple[Question, ...]:
    """The questions of all cases of a suite (`evals/name`, `evals/name@vN`). Raises InputError."""
    pin = snapshot.pin(ref)
    if pin.component.kind is not Kind.EVALS:
        raise InputError(f"{pin} is no eval suite; `lockgate list evals` shows them all.")
    suite = parse_suite(snapshot.files(pin), str(pin))
    found = tuple(Question(case.id, case.question, case.context_ids) for case in suite.cases)
    return _bounded(found, str(pin))


def questions_in_file(path: Path) -> tuple[Question, ...]:
    """One question a line; of a `.jsonl` file `{"query", "id"?, "context_ids"?}` a line.

    Raises InputError naming file and line, MachineryError when it cannot be read.
    """
    where = one_line(path.name, 80)
    try:
        with path.open("rb") as stream:
            data = stream.read(JSON_LIMIT + 1)
    except OSError as error:
        reason = one_line(error.strerror or str(error))
        raise MachineryError(f"{one_line(str(path))} cannot be read: {reason}.") from None
    text = decode_text(data.removeprefix(b"\xef\xbb\xbf"), where, JSON_LIMIT)
    read = _objects(data, where) if path.suffix == ".jsonl" else _lines(text, where)
    found = tuple(read)
    if not found:
        raise InputError(f"{where} holds no question; write one a line.")
    return _bounded(found, where)


def _lines(text: str, where: str) -> Iterator[Question]:
    for number, line in enumerate(text.split("\n"), 1):
        if len(line) > _LONGEST:
            raise InputError(f"{where}, line {number} has over {_LONGEST:,} characters; shorten it.")
        if line.strip():
            yield Question(str(number), line.strip())


def _objects(data: bytes, where: str) -> Iterator[Question]:
    for number, value in parse_jsonl(data.removeprefix(b"\xef\xbb\xbf"), where):
        one = validate(Query, value, f"{where}, line {number}")
        yield Question(one.id or str(number), one.query, one.context_ids)


def _bounded(found: tuple[Question, ...], where: str) -> tuple[Question, ...]:
    if len(found) > MOST:
        raise InputError(f"{where} holds {len(found):,} questions; at most {MOST:,} are asked. Split it.")
    return found
