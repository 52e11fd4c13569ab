"""promptfoo's assertions as graders: by type, each function gives graders and, some, a reference."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from evals.imports.promptfoo_values import NotKept, filled, is_file

Grader = dict[str, Any]
_RUNS_CODE = ("javascript", "python", "ruby", "webhook")
_SIMILAR = 0.75
"""promptfoo's threshold where none is given."""


@dataclass(frozen=True, slots=True)
class Mapped:
    """An assertion in our terms."""

    graders: tuple[Grader, ...]
    reference: str | None = None
    remark: str = ""


def mapped(one: Mapping[str, Any], variables: Mapping[str, Any]) -> Mapped:
    """The graders of one assertion. Raises NotKept with what keeps it from being one."""
    kind = one.get("type")
    if not isinstance(kind, str):
        raise NotKept("an assertion names no type")
    if "transform" in one or "contextTransform" in one:
        raise NotKept(f"{kind} looks at a transformed answer, which is code")
    negated, name = kind.startswith("not-"), kind.removeprefix("not-")
    if name in _RUNS_CODE:
        raise NotKept(f"{kind} runs code")
    table = _NEGATED if negated else _PLAIN
    if name not in table:
        raise NotKept(f"{kind} has no counterpart")
    found = table[name](one, variables)
    weight = one.get("weight", 1)
    if isinstance(weight, bool) or not isinstance(weight, int | float) or weight < 0:
        raise NotKept(f"the weight of {kind} is no number")
    if weight == 0:
        raise NotKept(f"{kind} weighs nothing")
    if weight != 1:
        graders = tuple({**grader, "weight": float(weight)} for grader in found.graders)
        found = Mapped(graders, found.reference, found.remark)
    return found


def _text(one: Mapping[str, Any], variables: Mapping[str, Any]) -> str:
    value = one.get("value")
    if is_file(value):
        raise NotKept(f"{one['type']} reads a file")
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise NotKept(f"{one['type']} has no text as its value")
    text = filled(str(value), variables)
    if not text.strip():
        raise NotKept(f"{one['type']} has an empty value")
    return text


def _texts(one: Mapping[str, Any], variables: Mapping[str, Any]) -> list[str]:
    """A list, or words between commas."""
    value = one.get("value")
    if isinstance(value, list):
        return [_text({**one, "value": part}, variables) for part in value]
    return [part.strip() for part in _text(one, variables).split(",") if part.strip()]


def _number(one: Mapping[str, Any], key: str = "threshold") -> float:
    value = one.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        raise NotKept(f"{one['type']} has no {key}")
    return float(value)


def _of(**grader: Any) -> Mapped:
    return Mapped((grader,))


def _equals(one: Mapping[str, Any], variables: Mapping[str, Any]) -> Mapped:
    if isinstance(one.get("value"), dict | list):
        return _of(grader="json_schema", schema={"const": one["value"]})
    return _of(grader="equals", value=_text(one, variables), normalise=False)


def _contains(how: str, normalise: bool) -> Callable[..., Mapped]:
    def make(one: Mapping[str, Any], variables: Mapping[str, Any]) -> Mapped:
        texts = [_text(one, variables)] if how == "one" else _texts(one, variables)
        key = "any" if how == "any" else "all"
        return _of(grader="contains", **{key: texts}, **({} if normalise else {"normalise": False}))

    return make


def _lacks(how: str, normalise: bool) -> Callable[..., Mapped]:
    def make(one: Mapping[str, Any], variables: Mapping[str, Any]) -> Mapped:
        texts = [_text(one, variables)] if how == "one" else _texts(one, variables)
        return _of(grader="not_contains", any=texts, **({} if normalise else {"normalise": False}))

    return make


def _pattern(text: str) -> tuple[str, str]:
    """JavaScript's pattern as Python's: flags that have to stand first, and the rest."""
    text = re.sub(r"\(\?<(?![=!])", "(?P<", text)
    flags = re.match(r"\(\?[aimsx]+\)", text)
    head = flags[0] if flags else ""
    body = text[len(head) :]
    try:
        re.compile(head + body)
    except (re.error, RecursionError, OverflowError):
        raise NotKept("its pattern is none that Python's expressions can be") from None
    return head, body


def _regex(one: Mapping[str, Any], variables: Mapping[str, Any]) -> Mapped:
    head, body = _pattern(_text(one, variables))
    return _of(grader="regex", pattern=head + body)


def _no_regex(one: Mapping[str, Any], variables: Mapping[str, Any]) -> Mapped:
    head, body = _pattern(_text(one, variables))
    return _of(grader="regex", pattern=rf"{head}\A(?![\s\S]*(?:{body}))")


def _starts(one: Mapping[str, Any], variables: Mapping[str, Any]) -> Mapped:
    return _of(grader="regex", pattern=rf"\A{re.escape(_text(one, variables))}")


def _no_start(one: Mapping[str, Any], variables: Mapping[str, Any]) -> Mapped:
    return _of(grader="regex", pattern=rf"\A(?!{re.escape(_text(one, variables))})")


def _differs(one: Mapping[str, Any], variables: Mapping[str, Any]) -> Mapped:
    if isinstance(one.get("value"), dict | list):
        return _of(grader="json_schema", schema={"not": {"const": one["value"]}})
    return _of(grader="regex", pattern=rf"\A(?!{re.escape(_text(one, variables))}\Z)")


def _json(one: Mapping[str, Any], _: Mapping[str, Any]) -> Mapped:
    value = one.get("value")
    if value is None:
        return _of(grader="json_schema", schema={})
    if not isinstance(value, dict):
        raise NotKept("is-json has no schema that stands in the file itself")
    return _of(grader="json_schema", schema=value)


def _similar(one: Mapping[str, Any], variables: Mapping[str, Any]) -> Mapped:
    value = one.get("value")
    if isinstance(value, list):
        if len(value) != 1:
            raise NotKept("similar has several values, and a case has one reference")
        one = {**one, "value": value[0]}
    threshold = _number(one) if "threshold" in one else _SIMILAR
    if threshold > 1:
        raise NotKept("the threshold of similar is over 1")
    return Mapped(({"grader": "similarity", "threshold": threshold},), _text(one, variables))


def _latency(one: Mapping[str, Any], _: Mapping[str, Any]) -> Mapped:
    return _of(grader="budget", latency_ms=_number(one))


def _cost(one: Mapping[str, Any], _: Mapping[str, Any]) -> Mapped:
    return _of(grader="budget", usd=_number(one))


def _judged(rubric: str, remark: str = "") -> Mapped:
    if len(rubric) > 10_000:
        raise NotKept("its rubric has more than 10,000 characters")
    return Mapped(({"grader": "judge", "rubric": rubric},), None, remark)


def _rubric(one: Mapping[str, Any], variables: Mapping[str, Any]) -> Mapped:
    value = one.get("value")
    said = "; ".join(_texts(one, variables)) if isinstance(value, list) else _text(one, variables)
    return _judged(said, _lost(one))


def _no_rubric(one: Mapping[str, Any], variables: Mapping[str, Any]) -> Mapped:
    return _judged(f"This is not so: {_text(one, variables)}", _lost(one))


def _facts(one: Mapping[str, Any], variables: Mapping[str, Any]) -> Mapped:
    found = _judged("The answer agrees with the reference in every fact.", _lost(one))
    return Mapped(found.graders, _text(one, variables), found.remark)


def _lost(one: Mapping[str, Any]) -> str:
    """What a judge of ours does not take over."""
    lost = [key for key in ("threshold", "provider", "rubricPrompt") if key in one]
    return f"{one['type']}: the suite's own judge says yes or no, without {', '.join(lost)}" if lost else ""


def _refuses(expected: bool) -> Callable[..., Mapped]:
    return lambda _, __: _of(grader="refusal", expected=expected)


def _something(_: Mapping[str, Any], __: Mapping[str, Any]) -> Mapped:
    return _of(grader="regex", pattern=r"\S")


_PLAIN: Mapping[str, Callable[[Mapping[str, Any], Mapping[str, Any]], Mapped]] = {
    "equals": _equals,
    "contains": _contains("one", False),
    "icontains": _contains("one", True),
    "contains-any": _contains("any", False),
    "icontains-any": _contains("any", True),
    "contains-all": _contains("all", False),
    "icontains-all": _contains("all", True),
    "starts-with": _starts,
    "regex": _regex,
    "is-json": _json,
    "similar": _similar,
    "similar:cosine": _similar,
    "latency": _latency,
    "cost": _cost,
    "llm-rubric": _rubric,
    "model-graded-closedqa": _rubric,
    "g-eval": _rubric,
    "factuality": _facts,
    "model-graded-factuality": _facts,
    "is-refusal": _refuses(True),
}
_NEGATED: Mapping[str, Callable[[Mapping[str, Any], Mapping[str, Any]], Mapped]] = {
    "equals": _differs,
    "contains": _lacks("one", False),
    "icontains": _lacks("one", True),
    "contains-any": _lacks("any", False),
    "icontains-any": _lacks("any", True),
    "starts-with": _no_start,
    "regex": _no_regex,
    "llm-rubric": _no_rubric,
    "model-graded-closedqa": _no_rubric,
    "is-refusal": _refuses(False),
    "empty": _something,
}
