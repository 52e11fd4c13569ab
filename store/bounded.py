"""Parsers with limits, for text that anybody may have written.

The TOML parser is quadratic in dotted keys and recurses in nested arrays; json takes the last of two
equal keys and accepts NaN. So: sizes, dots and depth are bounded before parsing, duplicate keys
and non-finite numbers are refused, and what is left is validated by a strict model.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NoReturn, TypeVar

import tomli
from pydantic import BaseModel, ValidationError

from store import invalid
from store.errors import InputError
from store.text import one_line

TOML_LIMIT = 256 * 1024
"""Bytes of one TOML file."""
JSON_LIMIT = 8 * 1024 * 1024
"""Bytes of one JSON document."""
LINE_LIMIT = 1024 * 1024
"""Bytes of one line of a JSONL file."""
TEXT_LIMIT = 1024 * 1024
"""Bytes of one prose file, such as a prompt."""
_DOTS_PER_KEY = 16

Model = TypeVar("Model", bound=BaseModel)

_NO_KEY = re.compile(
    r'''"""(?:\\[\s\S]|[^\\"]|"(?!""))*+(?:"{3,5}+|[\s\S]*+)'''
    r"""|'''(?:[^']|'(?!''))*+(?:'{3,5}+|[\s\S]*+)"""
    r"""|"(?:\\.|[^"\\\n])*+(?:"|[\s\S]*+)"""
    r"""|'[^'\n]*+(?:'|[\s\S]*+)|#[^\n]*+"""
)
"""Strings and comments of TOML; one that is not closed, where the parser stops too, runs to the end."""
_BETWEEN_KEYS = re.compile(r"[=,\[\]{}]")


def decode_text(data: bytes, where: str, limit: int = TEXT_LIMIT) -> str:
    """`data` as UTF-8 text. Raises InputError when it is too long or not UTF-8."""
    if len(data) > limit:
        raise InputError(f"{where} has {len(data):,} bytes; at most {limit:,} are read. Shorten it.")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise InputError(f"{where} is not UTF-8 text (byte {error.start}). Save it as UTF-8.") from None


def parse_toml(data: bytes, where: str) -> dict[str, Any]:
    """A TOML document as a dict. Raises InputError naming `where` and the line."""
    text = decode_text(data, where, TOML_LIMIT)
    if (number := _long_key(text)) is not None:
        raise InputError(f"{where}, line {number}: a key with over {_DOTS_PER_KEY} dots is refused.")
    try:
        return tomli.loads(text)
    except tomli.TOMLDecodeError as error:
        raise InputError(f"{where} is not valid TOML: {one_line(str(error))}.") from None
    except RecursionError:
        raise InputError(f"{where} is nested too deeply to be read.") from None
    except ValueError:  # a number of thousands of digits
        raise InputError(f"{where} holds a value that cannot be read.") from None


def _long_key(text: str) -> int | None:
    """The line of a key with too many dots, wherever a key can be; None when there is none.

    Outside strings and comments only keys have more than one dot between two delimiters.
    """
    if text.count(".") <= _DOTS_PER_KEY:
        return None
    bare = _NO_KEY.sub(lambda found: "_" + "\n" * found[0].count("\n"), text.replace("\r\n", "\n"))
    for number, line in enumerate(bare.split("\n"), 1):
        if any(part.count(".") > _DOTS_PER_KEY for part in _BETWEEN_KEYS.split(line)):
            return number
    return None


def parse_json(data: bytes, where: str, limit: int = JSON_LIMIT) -> Any:
    """A JSON document. Duplicate keys, NaN and infinities raise InputError naming `where`."""
    if len(data) > limit:
        raise InputError(f"{where} has {len(data):,} bytes; at most {limit:,} are read.")
    try:
        return json.loads(data, object_pairs_hook=_unique_keys, parse_constant=_refuse_constant)
    except (ValueError, UnicodeDecodeError) as error:
        raise InputError(f"{where} is not valid JSON: {one_line(str(error))}.") from None
    except RecursionError:
        raise InputError(f"{where} is nested too deeply to be read.") from None


def parse_jsonl(data: bytes, where: str) -> Iterator[tuple[int, Any]]:
    """(line number, value) for each non-empty line of `data`; a bad line raises InputError naming it."""
    for number, line in enumerate(data.split(b"\n"), 1):
        if line.strip():
            yield number, parse_json(line, f"{where}, line {number}", LINE_LIMIT)


def validate(model: type[Model], value: Any, where: str) -> Model:
    """`value` as a strict `model`. Raises one InputError sentence naming `where` and the field."""
    try:
        text = json.dumps(value, default=_plain, allow_nan=False)
    except ValueError:
        raise InputError(
            f"{where} holds a number that is not finite (nan or inf); give a real one."
        ) from None
    except RecursionError:
        raise InputError(f"{where} is nested too deeply to be read.") from None
    except TypeError as error:
        raise InputError(f"{where}: {one_line(str(error))}.") from None
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        raise InputError(f"{where}: {invalid.sentence(model, error)}.") from None


def read_toml(model: type[Model], data: bytes, where: str) -> Model:
    """`parse_toml`, then `validate`."""
    return validate(model, parse_toml(data, where), where)


def read_json(model: type[Model], data: bytes, where: str) -> Model:
    """`parse_json`, then `validate`."""
    return validate(model, parse_json(data, where), where)


def write_toml(record: BaseModel) -> bytes:
    """`record` as TOML bytes, without its empty fields."""
    import tomlkit  # only writers pay for it

    return tomlkit.dumps(record.model_dump(mode="json", exclude_none=True)).encode()


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    seen = dict(pairs)
    if len(seen) != len(pairs):
        names = [key for key, _ in pairs]
        twice = next(key for key in names if names.count(key) > 1)
        raise ValueError(f"the key {twice!r} is given twice")
    return seen


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number that can be used here")


def _plain(value: Any) -> str:
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    raise TypeError(f"a value of type {type(value).__name__} is not expected here")
