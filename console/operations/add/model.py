"""Add a model pin: provider, pinned id, where it is served, parameters."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence

from console.operations.add.landing import plan_version
from console.operations.plan import Check, Plan
from evals.models.access import access_url
from evals.models.endpoint import check_parameters
from evals.models.pins import judge, require_pinned
from store.bounded import validate, write_toml
from store.errors import InputError
from store.records.component import Component, Kind, check_name
from store.records.versions import ModelPin, Scalar
from store.text import one_line
from store.workspace import Workspace


def plan(
    workspace: Workspace,
    name: str,
    provider: str,
    id: str,
    *,
    base_url: str | None = None,
    parameters: Mapping[str, Scalar] | None = None,
    waiver: str | None = None,
    what: str = "",
) -> Plan:
    """What adding this pin as the next version of `model/name` would do.

    Raises InputError for a floating id, and for an unknown one without a `waiver` (a reason).
    """
    component = Component(Kind.MODEL, check_name(name, "model name"))
    raw = {
        "provider": provider.strip().lower(),
        "id": id.strip(),
        "base_url": base_url,
        "parameters": dict(parameters or {}),
        "waiver": {"reason": waiver, "by": workspace.person.name} if waiver else None,
        "what_changed": what,
    }
    pin = validate(ModelPin, {key: value for key, value in raw.items() if value is not None}, "the model pin")
    require_pinned(pin)
    check_parameters(pin)
    _check_numbers(pin)
    if base_url:
        from console.operations.access import endpoint_settings

        access_url(base_url, endpoint_settings(workspace), environ=_AnyKey())
    verdict = judge(pin.provider, pin.id)
    return plan_version(
        workspace,
        component,
        {"version.toml": write_toml(pin)},
        what,
        _command(component.name, pin),
        (
            Check(
                "pin", "ok" if verdict.verdict == "pinned" else "warn", verdict.sentence(pin.provider, pin.id)
            ),
        ),
    )


_NUMBERS = ("temperature", "top_p", "max_tokens", "max_completion_tokens", "seed", "presence_penalty")


def _check_numbers(pin: ModelPin) -> None:
    """A version never changes, so a slip of the fingers is worth catching before it lands."""
    for key in _NUMBERS:
        value = pin.parameters.get(key, 0)
        if isinstance(value, str | bool):
            raise InputError(f"the parameter {key} wants a number, not {one_line(str(value), 40)!r}.")


class _AnyKey(dict[str, str]):
    """Stands for an environment in which every key is set: only the address is checked when adding."""

    def get(self, key: str, default: object = None) -> str:  # noqa: ARG002
        return "set"


def parse_parameters(pairs: Sequence[str]) -> dict[str, Scalar]:
    """`key=value` pairs as numbers, booleans or text. Raises InputError for one without `=`."""
    found: dict[str, Scalar] = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not equals or not key.strip():
            raise InputError(f"{one_line(pair, 60)!r} is no parameter: write --set temperature=0.")
        if key.strip() in found:
            raise InputError(f"the parameter {one_line(key, 60)!r} is given twice.")
        found[key.strip()] = _scalar(text.strip())
    return found


def _scalar(text: str) -> Scalar:
    if text in ("true", "false"):
        return text == "true"
    for convert in (int, float):
        try:
            number: int | float = convert(text)
        except ValueError:
            continue
        if number != number or number in (float("inf"), float("-inf")):
            raise InputError(f"{one_line(text, 40)} is not a number that can be used here.")
        return number
    return text


def _command(name: str, pin: ModelPin) -> str:
    parts = ["lockgate add model", name, "--provider", pin.provider, "--id", shlex.quote(pin.id)]
    if pin.base_url:
        parts += ["--base-url", shlex.quote(pin.base_url)]
    parts += [f"--set {key}={value}" for key, value in pin.parameters.items()]
    return " ".join(parts)
