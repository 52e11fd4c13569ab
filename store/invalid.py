"""What is wrong with a value that a strict model refused, in words for people."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from store.text import one_line

_KNOWN = 20
"""Field names that a sentence lists."""
_FORMS: Mapping[str, str] = {
    "^sha256:[0-9a-f]{64}$": "wants sha256: and 64 hex digits",
    "^[0-9a-f]{64}$": "wants 64 hex digits",
    "^r[1-9][0-9]{0,8}$": "wants a release, such as r3",
    "^v[1-9][0-9]{0,8}$": "wants a version, such as v3",
    "^[a-z0-9][a-z0-9._-]{0,63}$": "wants a name: 1 to 64 of a-z, 0-9, '.', '_', '-', no sign first",
    "^[0-7][0-9A-HJKMNP-TV-Z]{25}$": "wants the id of a record: 26 letters and digits",
}
"""By the pattern that was missed."""
_WORDS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "missing": lambda _: "is missing",
    "string_type": lambda _: "wants text",
    "bool_type": lambda _: "wants true or false",
    "int_type": lambda _: "wants a whole number",
    "int_from_float": lambda _: "wants a whole number",
    "float_type": lambda _: "wants a number",
    "finite_number": lambda _: "wants a number that is finite",
    "tuple_type": lambda _: "wants a list",
    "list_type": lambda _: "wants a list",
    "dict_type": lambda _: "wants a table of names and values",
    "model_type": lambda _: "wants a table of fields",
    "datetime_type": lambda _: "wants a time, for example 2026-03-01T12:00:00Z",
    "datetime_parsing": lambda _: "wants a time, for example 2026-03-01T12:00:00Z",
    "datetime_from_date_parsing": lambda _: "wants a time, for example 2026-03-01T12:00:00Z",
    "literal_error": lambda told: f"wants one of {told['expected']}",
    "enum": lambda told: f"wants one of {told['expected']}",
    "greater_than": lambda told: f"has to be more than {told['gt']:g}",
    "greater_than_equal": lambda told: f"has to be at least {told['ge']:g}",
    "less_than": lambda told: f"has to be less than {told['lt']:g}",
    "less_than_equal": lambda told: f"has to be at most {told['le']:g}",
    "string_too_short": lambda told: f"wants at least {told['min_length']} characters",
    "string_too_long": lambda told: f"may have at most {told['max_length']:,} characters",
    "too_short": lambda told: f"wants at least {told['min_length']}, not {told['actual_length']}",
    "too_long": lambda told: f"may hold at most {told['max_length']:,}",
    "string_pattern_mismatch": lambda told: _FORMS.get(
        told["pattern"], f"is not written as it has to be ({told['pattern']})"
    ),
    "value_error": lambda told: str(told["error"]),
    "union_tag_not_found": lambda told: f"does not say which one it is ({told['discriminator']})",
    "union_tag_invalid": lambda told: f"is {told['tag']!r}, which is none of {told['expected_tags']}",
}
"""pydantic's kinds of error; what is not here keeps the model's own words, which are ours already."""
_SCALARS = {"str", "int", "float", "bool"}


def sentence(model: type[BaseModel], error: ValidationError) -> str:
    """ "environments.0.gate.tier: wants one of 'smoke' or 'full' (2 more)": without a full stop."""
    first, *others = _told(error)
    *above, last = first["loc"] or ("the document",)
    if last in _SCALARS and str(first["type"]).endswith("_type"):  # one error for each way to read a scalar
        *above, last = above
        return f"{one_line('.'.join(map(str, (*above, last))))}: wants text, a number, true or false"
    if first["type"] == "extra_forbidden":
        words = _unknown(known_fields(model, tuple(above)))
    else:
        say = _WORDS.get(first["type"])
        words = say(first.get("ctx", {})) if say else first["msg"]
    field = ".".join(map(str, (*above, last)))
    more = f" ({len(others)} more)" if others else ""
    return f"{one_line(field)}: {one_line(words, 600)}{more}"


def _told(error: ValidationError) -> list[Any]:
    """The errors without those that only follow from another: a list is short of its malformed entries."""
    found: list[Any] = list(error.errors(include_url=False, include_input=False))
    places = [one["loc"] for one in found]

    def follows(one: Any) -> bool:
        inside = (place for place in places if len(place) > len(one["loc"]))
        return one["type"] == "too_short" and any(place[: len(one["loc"])] == one["loc"] for place in inside)

    return [one for one in found if not follows(one)]


def _unknown(known: tuple[str, ...]) -> str:
    if not known:
        return "no such field"
    return f"no such field; known are {', '.join(known[:_KNOWN])}{', …' if len(known) > _KNOWN else ''}"


def known_fields(model: type[BaseModel], place: tuple[str | int, ...]) -> tuple[str, ...]:
    """The field names at `place` (keys, positions and union tags, as pydantic tells them) of `model`.

    Empty where the place may hold more than one model.
    """
    here: tuple[type[BaseModel], ...] = (model,)
    for part in place:
        if isinstance(part, int):
            continue
        inside = [one for each in here for one in _below(each, part)]
        if inside:
            here = tuple(dict.fromkeys(inside))
        else:  # a union's tag, or a key of a mapping
            here = tuple(one for one in here if part in _tags(one)) or here
    return tuple(sorted(_names(here[0]))) if len(here) == 1 else ()


def _names(model: type[BaseModel]) -> Iterator[str]:
    return (field.alias or name for name, field in model.model_fields.items())


def _below(model: type[BaseModel], name: str) -> Iterator[type[BaseModel]]:
    for key, field in model.model_fields.items():
        if name in (key, field.alias):
            yield from _models(field.annotation)


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)


def _tags(model: type[BaseModel]) -> set[Any]:
    return {tag for field in model.model_fields.values() for tag in get_args(field.annotation)}
