"""Reads a live document and refuses whatever is torn, of another format or not whole."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple, NoReturn

from lockgate_client.errors import LockgateClientError

FORMAT = "lockgate.live/1"
LIMIT = 8 * 1024 * 1024
"""Bytes of one live document."""


_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


class Arm(NamedTuple):
    """One release in full."""

    release: str
    components: Mapping[str, Mapping[str, Any]]
    """By `kind/name`, read-only all the way down."""


class Document(NamedTuple):
    """What resolving needs of a live document."""

    environment: str
    generation: int
    stable: Arm
    canary: Arm | None
    percent: float
    salt: str
    valid_until: float | None
    """Seconds since 1970; from then on everybody is served stable."""
    captured_percent: float = 0.0
    """Share of requests that are kept to be graded, in percent: see lockgate_client.envelope."""
    shadow_percent: float = 0.0
    """Share of requests that are kept to be answered once more by another release, in percent."""


def parse(data: bytes) -> Document:
    """The document in `data`. Raises LockgateClientError saying what is wrong with it."""
    value = _loaded(data)
    if value.get("format") != FORMAT:
        raise LockgateClientError(f"its format is {_short(value.get('format'))}, not {FORMAT!r}")
    if value.pop("checksum", None) != _checksum(value):
        raise LockgateClientError("its checksum does not fit: it is torn or was edited by hand")
    return _document(value)


def refuse_constant(name: str) -> NoReturn:
    """For json.loads: NaN and infinities are no values."""
    raise ValueError(f"{name} is not a number that can be used")


def unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """For json.loads: an object whose keys are all different. Raises ValueError."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is given twice")
    return found


def _loaded(data: bytes) -> dict[str, Any]:
    try:
        value = json.loads(data, object_pairs_hook=unique_keys, parse_constant=refuse_constant)
    except (ValueError, RecursionError) as error:
        raise LockgateClientError(f"it is not valid JSON ({_short(str(error))})") from None
    if not isinstance(value, dict):
        raise LockgateClientError("it is not a JSON object")
    return value


def _checksum(value: dict[str, Any]) -> str:
    try:
        text = json.dumps(
            value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
        ).encode()
    except (ValueError, RecursionError) as error:
        raise LockgateClientError(f"it cannot be checked ({_short(str(error))})") from None
    return "sha256:" + hashlib.sha256(text).hexdigest()


def _document(value: dict[str, Any]) -> Document:
    generation = _field(value, "generation", int)
    percent = _field(value, "percent", int, float)
    canary = _field(value, "canary", dict, type(None))
    environment = _field(value, "environment", str)
    if not _NAME.fullmatch(environment):
        raise LockgateClientError(f"its environment {_short(environment)} is no name")
    if generation < 0 or not 0 <= percent <= 100:
        raise LockgateClientError("its generation or percent is out of range")
    return Document(
        environment=environment,
        generation=generation,
        stable=_arm(_field(value, "stable", dict), "stable"),
        canary=None if canary is None else _arm(canary, "canary"),
        percent=percent,
        salt=_field(value, "salt", str),
        valid_until=_instant(_field(value, "valid_until", str, type(None))),
        captured_percent=_percent(value, "captured_percent"),
        shadow_percent=_percent(value, "shadow_percent"),
    )


def _percent(value: dict[str, Any], key: str) -> float:
    """0 where it is missing: earlier documents do not have it."""
    percent = _field(value, key, int, float) if key in value else 0.0
    if not 0 <= percent <= 100:
        raise LockgateClientError(f"its {key} is out of range")
    return float(percent)


def _arm(value: dict[str, Any], name: str) -> Arm:
    components = _field(value, "components", dict, within=f"{name}.")
    if not all(isinstance(component, dict) for component in components.values()):
        raise LockgateClientError(f"a component of its {name} is not an object")
    return Arm(release=_field(value, "release", str, within=f"{name}."), components=_frozen(components))


def _instant(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise LockgateClientError("its valid_until is not a time with a time zone")
    return at.timestamp()


def _field(value: dict[str, Any], key: str, *types: type, within: str = "") -> Any:
    # bool is an int to isinstance; no field here is one.
    if key not in value or type(value[key]) not in types:
        raise LockgateClientError(f"its field {within}{key} is missing or of the wrong type")
    return value[key]


def _frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return MappingProxyType({key: _frozen(one) for key, one in value.items()})
    if isinstance(value, list):
        return tuple(_frozen(one) for one in value)
    return value


def _short(value: object) -> str:
    # ascii() keeps what a hostile document holds from acting on the terminal or log it is shown in.
    return ascii(value)[:120]
