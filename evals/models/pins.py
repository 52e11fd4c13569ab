"""Does a model id name one fixed model? The rules are data, in pin_rules.toml beside this file.

A pattern for dates alone is wrong in both directions: `claude-sonnet-4-6` is pinned without a
date, and `llama3:8b-instruct-q4_0` looks fixed but moves. So each provider has its own rules,
and a provider without any is `unknown`, never pinned.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from store.bounded import parse_toml
from store.errors import InputError
from store.records.versions import ModelPin
from store.text import one_line

Pinned = Literal["pinned", "floating", "unknown"]
_ID_LIMIT = 300
"""Characters of an id; longer ones are refused before any pattern sees them."""


@dataclass(frozen=True, slots=True)
class PinVerdict:
    """What is known about one id."""

    verdict: Pinned
    because: str
    """Half a sentence: why, and the way out where it is not pinned."""

    def sentence(self, provider: str, model_id: str) -> str:
        """The verdict as one sentence for people."""
        name = f"model {one_line(model_id, 80)!r} of {one_line(provider, 40)!r}"
        return f"{name} is {self.verdict}: {self.because}."


@dataclass(frozen=True, slots=True)
class _Rule:
    pattern: re.Pattern[str]
    verdict: Pinned | None
    """None where the group `base` is judged instead."""
    because: str


@dataclass(frozen=True, slots=True)
class _Provider:
    default: PinVerdict
    rules: tuple[_Rule, ...]
    served: re.Pattern[str] | None


def judge(provider: str, model_id: str) -> PinVerdict:
    """Whether `model_id` of `provider` is pinned, and why. Never raises."""
    known = _rules().get(provider)
    if known is None:
        names = ", ".join(sorted(_rules()))
        return PinVerdict("unknown", f"there are rules for {names} only")
    if len(model_id) > _ID_LIMIT or not model_id.isprintable() or " " in model_id:
        return PinVerdict("unknown", f"an id has at most {_ID_LIMIT} characters, all of them visible")
    for rule in known.rules:
        match = rule.pattern.fullmatch(model_id)
        if match is None:
            continue
        if rule.verdict is None:
            return judge(provider, match["base"])
        return PinVerdict(rule.verdict, rule.because)
    return known.default


def verdict(provider: str, model_id: str) -> Pinned:
    """`judge` without the reason."""
    return judge(provider, model_id).verdict


def require_pinned(pin: ModelPin) -> None:
    """Refuses a model version that could change under a release.

    Raises InputError for a floating id, and for an unknown one without a recorded waiver.
    """
    found = judge(pin.provider, pin.id)
    if found.verdict == "floating":
        raise InputError(found.sentence(pin.provider, pin.id))
    if found.verdict == "unknown" and pin.waiver is None:
        raise InputError(
            found.sentence(pin.provider, pin.id)[:-1]
            + ". Pin it, or record a waiver that says who answers for it."
        )


def served_name(pin: ModelPin) -> str:
    """What the server calls the model: the parameter `served_as`, or the id without its digest."""
    chosen = pin.parameters.get("served_as")
    if isinstance(chosen, str) and chosen:
        return chosen
    known = _rules().get(pin.provider)
    match = known.served.fullmatch(pin.id) if known and known.served else None
    return match["name"] if match else pin.id


def answers_for(pin: ModelPin, returned: str) -> bool:
    """Whether a reply that says it came from `returned` came from `pin`.

    An endpoint may answer with the id, with its own name for it, or (a deployment) with the
    model and version that the id carries.
    """
    name = served_name(pin)
    if returned in (pin.id, name):
        return True
    known = _rules().get(pin.provider)
    match = known.served.fullmatch(pin.id) if known and known.served else None
    version = match.groupdict().get("version") if match else None
    return bool(version) and returned.endswith(f"-{version}")


@cache
def _rules() -> dict[str, _Provider]:
    data = files("evals.models").joinpath("pin_rules.toml").read_bytes()
    table = parse_toml(data, "pin_rules.toml")
    fragments: dict[str, str] = table.pop("fragments")
    return {name: _provider(entry, fragments) for name, entry in table.items()}


def _provider(entry: dict[str, Any], fragments: dict[str, str]) -> _Provider:
    return _Provider(
        PinVerdict(entry["default"], entry["because"]),
        tuple(
            _Rule(_compile(rule["pattern"], fragments), rule.get("verdict"), rule.get("because", ""))
            for rule in entry["rules"]
        ),
        _compile(entry["served"], fragments) if "served" in entry else None,
    )


def _compile(pattern: str, fragments: dict[str, str]) -> re.Pattern[str]:
    for name, expression in fragments.items():
        pattern = pattern.replace("{" + name + "}", expression)
    return re.compile(pattern)
