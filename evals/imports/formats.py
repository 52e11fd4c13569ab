"""Which format a file has, and reading it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

from evals.imports import inspect_samples, openai_evals, plain_csv, promptfoo
from evals.imports.csv_text import CSV_LIMIT, parse_csv
from evals.imports.found import Found, Match
from evals.imports.promptfoo_values import read_bytes
from store.bounded import parse_jsonl
from store.errors import InputError
from store.text import one_line
from store.yaml_text import Row, parse_yaml

Format = Literal["promptfoo", "openai-evals", "inspect", "csv"]
FORMATS: tuple[Format, ...] = get_args(Format)


def read_file(path: Path, format: Format | None, match: Match) -> Found:
    """What the file at `path` holds. Without `format` its ending and what stands in it decide.

    Raises InputError naming file and line.
    """
    data = read_bytes(path, CSV_LIMIT)
    chosen = format or _guessed(data, path)
    if chosen == "promptfoo":
        if path.suffix.lower() == ".csv":
            wrapped = f"tests: {path.name}\n".encode()
            return promptfoo.read_promptfoo(wrapped, path)
        return promptfoo.read_promptfoo(data, path)
    if chosen == "openai-evals":
        return openai_evals.read_openai_evals(data, path.name, match)
    if chosen == "inspect":
        is_csv = path.suffix.lower() == ".csv"
        read = inspect_samples.read_inspect_csv if is_csv else inspect_samples.read_inspect_lines
        return read(data, path.name, match)
    return plain_csv.read_plain_csv(data, path.name, match)


def _guessed(data: bytes, path: Path) -> Format:
    ending = path.suffix.lower()
    if ending in (".yaml", ".yml"):
        return "promptfoo"
    if ending == ".csv":
        return _guessed_csv(data, path)
    if ending == ".jsonl":
        first = next((value for _, value in parse_jsonl(data, path.name)), None)
        if openai_evals.looks_like(first):
            return "openai-evals"
        if inspect_samples.looks_like(first):
            return "inspect"
    elif ending == ".json":
        value = parse_yaml(data, path.name)
        if promptfoo.looks_like(value):
            return "promptfoo"
        if isinstance(value, Row) and value and inspect_samples.looks_like(value[0]):
            return "inspect"
    raise InputError(
        f"{one_line(path.name, 80)} looks like none of {', '.join(FORMATS)}; --format says what it is."
    )


def _guessed_csv(data: bytes, path: Path) -> Format:
    _, first = next(parse_csv(data, path.name), (0, {}))
    header = {name for name in first if name}
    if any(name.startswith("__expected") for name in header):
        return "promptfoo"
    if {"input", "target"} <= header:
        return "inspect"
    if plain_csv.looks_like(header):
        return "csv"
    raise InputError(
        f"{one_line(path.name, 80)}, line 1: no column says what is expected; name one of them `expected`, "
        "or after a grader."
    )
