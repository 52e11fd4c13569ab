"""What an application reports of one request, and the bounds of each field."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, NamedTuple

from lockgate_client.serving import Resolution

REQUEST_ID_LIMIT = 200
"""Characters of a request id."""
UNIT_LIMIT = 4096
"""Characters of a unit."""
CATEGORY_LIMIT = 64
"""Characters of a category, and of the release and environment names beside it."""
LATENCY_LIMIT_MS = 1e9
TOKENS_LIMIT = 10**12
COST_LIMIT = 1e9
AHEAD_SECONDS = 300
"""How far `at` may lie in the future, for clocks that differ a little."""
GENERATION_LIMIT = 2**53

_ARMS = {"canary": "canary", "control": "control"}
_new = tuple.__new__  # a third of the cost of Observation(...)


class Observation(NamedTuple):
    """One reported outcome of one request."""

    request_id: str
    """Unique; a repeat is ignored."""
    at: float
    """Seconds since 1970."""
    environment: str
    release: str
    arm: str
    """canary, control (the matched part of stable) or stable (the rest of it)."""
    generation: int
    """Of the live document that it was served from."""
    unit: str | None
    """The user. Only a keyed hash of it is written."""
    latency_ms: float | None
    error: bool
    category: str
    quality: float | None
    """In [0, 1]."""
    harmful: bool | None
    """Something called the answer harmful."""
    feedback: int | None
    """+1 or -1: thumbs up, thumbs down."""
    tokens: int | None
    cost: float | None
    """In the currency that the application counts in."""
    resolution: Resolution
    """What was served."""


class Amendment(NamedTuple):
    """What became known of a request after it was reported. None: nothing new."""

    request_id: str
    at: float
    """When it became known, in seconds since 1970."""
    environment: str
    generation: int
    """Environment and generation of the client that says so: where a dropped one is counted."""
    quality: float | None
    harmful: bool | None
    confirmed: bool | None
    """By a second, independent grader: True, False, or None while it has not said."""
    feedback: int | None
    tokens: int | None
    cost: float | None


def arm_of(resolution: Resolution) -> str:
    """canary, control (the matched part of stable) or stable (the rest of it)."""
    return _ARMS.get(resolution.reason, "stable")


def observation(
    environment: str,
    resolution: Resolution,
    now: float,
    request_id: str,
    unit: str | None,
    latency_ms: float | None,
    error: bool,
    category: str,
    quality: float | None,
    harmful: bool | None,
    feedback: int | None,
    tokens: int | None,
    cost: float | None,
    at: float | None,
) -> Observation:
    """The row, every value within its bounds. Raises ValueError that says which is not.

    Written flat because it runs in each request.
    """
    if not isinstance(resolution, Resolution):
        raise ValueError("resolution is not what resolve() returned")
    release, _, _, reason, generation, _ = resolution
    if not isinstance(request_id, str) or not 0 < len(request_id) <= REQUEST_ID_LIMIT:
        raise ValueError(f"request_id has to be a text of 1 to {REQUEST_ID_LIMIT} characters")
    if not isinstance(category, str) or len(category) > CATEGORY_LIMIT or len(release) > CATEGORY_LIMIT:
        raise ValueError(f"category and release have to be texts of at most {CATEGORY_LIMIT} characters")
    if not (request_id.isascii() and category.isascii() and release.isascii()):
        _encodable(request_id, category, release)
    if unit is not None and (not isinstance(unit, str) or len(unit) > UNIT_LIMIT):
        raise ValueError(f"unit has to be a text of at most {UNIT_LIMIT} characters, or None")
    if not 0 <= generation <= GENERATION_LIMIT:
        raise ValueError("the generation that was served is out of range")
    if latency_ms is not None:
        latency_ms = number("latency_ms", latency_ms, LATENCY_LIMIT_MS)
    if not (quality is harmful is feedback is tokens is cost is None):
        quality, harmful, feedback, tokens, cost = facts(quality, harmful, feedback, tokens, cost)
    return _new(
        Observation,
        (
            request_id, now if at is None else instant(at, now), environment, release,
            _ARMS.get(reason, "stable"), generation, unit, latency_ms, bool(error), category,
            quality, harmful, feedback, tokens, cost, resolution,
        ),
    )  # fmt: skip


def amendment(
    environment: str,
    generation: int,
    now: float,
    request_id: str,
    quality: float | None,
    harmful: bool | None,
    confirmed: bool | None,
    feedback: int | None,
    tokens: int | None,
    cost: float | None,
    at: float | None,
) -> Amendment:
    """The row, every value within its bounds. Raises ValueError that says which is not."""
    if not isinstance(request_id, str) or not 0 < len(request_id) <= REQUEST_ID_LIMIT:
        raise ValueError(f"request_id has to be a text of 1 to {REQUEST_ID_LIMIT} characters")
    _encodable(request_id)
    quality, harmful, feedback, tokens, cost = facts(quality, harmful, feedback, tokens, cost)
    confirmed = _flag("confirmed", confirmed)
    if quality is harmful is confirmed is feedback is tokens is cost is None:
        raise ValueError("an amendment has to say something new")
    when = now if at is None else instant(at, now)
    return Amendment(
        request_id, when, environment, generation, quality, harmful, confirmed, feedback, tokens, cost
    )


def facts(
    quality: float | None,
    harmful: bool | None,
    feedback: int | None,
    tokens: int | None,
    cost: float | None,
) -> tuple[float | None, bool | None, int | None, int | None, float | None]:
    """The five that may also come later, each within its bounds. Raises ValueError that says which is not."""
    if quality is not None:
        quality = number("quality", quality, 1)
    if feedback is not None:
        if feedback not in (1, -1):
            raise ValueError("feedback has to be 1 or -1")
        feedback = int(feedback)
    if tokens is not None:
        tokens = int(number("tokens", tokens, TOKENS_LIMIT))
    if cost is not None:
        cost = number("cost", cost, COST_LIMIT)
    return quality, _flag("harmful", harmful), feedback, tokens, cost


def number(name: str, value: Any, top: float) -> float:
    """`value` as a float. Raises ValueError where it is no number from 0 to `top`; NaN is none."""
    with suppress(TypeError):
        if 0 <= value <= top:
            return float(value)
    raise ValueError(f"{name} has to be a number from 0 to {top:,.0f}")


def instant(at: Any, now: float) -> float:
    """`at` in seconds since 1970. Raises ValueError where it is no such number or lies in the future."""
    with suppress(TypeError):
        if 0 < at <= now + AHEAD_SECONDS:
            return float(at)
    raise ValueError("at has to be in seconds since 1970 and not in the future")


def _flag(name: str, value: Any) -> bool | None:
    if value is None:
        return None
    if value not in (True, False):
        raise ValueError(f"{name} has to be True, False or None")
    return bool(value)


def _encodable(*texts: str) -> None:
    try:
        for text in texts:
            text.encode()
    except UnicodeEncodeError:
        raise ValueError("request_id and category cannot hold half of a surrogate pair") from None
