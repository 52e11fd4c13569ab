"""The part `[live]` of suite.toml: how answers to real users are graded, where nobody knows the right one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evals.case import Case
from evals.graders import GRADERS, GraderSpec
from evals.graders.fuzzy import Fuzzy
from evals.graders.text import Equals
from store.bounded import validate
from store.errors import InputError
from store.records.base import Strict
from store.records.versions import LiveGraders
from store.text import one_line


@dataclass(frozen=True, slots=True)
class LiveSpecs:
    """The graders of live answers, read."""

    quality: tuple[GraderSpec, ...] = ()
    """Their weighted mean is the answer's quality."""
    harmful: tuple[GraderSpec, ...] = ()
    """An answer that misses one of them is called harmful."""
    confirm: tuple[GraderSpec, ...] = ()
    """Asked about an answer that was called harmful; a miss of one of them confirms it."""


class _Entry(Strict):
    spec: GraderSpec


def parse_live(live: LiveGraders, where: str) -> LiveSpecs:
    """The graders of `[live]`. Raises InputError naming `where` and the entry."""
    quality: list[GraderSpec] = []
    harmful: list[GraderSpec] = []
    for place, entry in _entries(live.graders, f"{where}: live.graders"):
        mark = entry.pop("harmful", False)
        if not isinstance(mark, bool):
            raise InputError(f"{place}: harmful is true or false.")
        (harmful if mark else quality).append(_read(entry, place))
    confirm = [_read(entry, place) for place, entry in _entries(live.confirm, f"{where}: live.confirm")]
    if confirm and not harmful:
        raise InputError(
            f"{where}: live.confirm: nothing calls an answer harmful; mark a grader with harmful = true."
        )
    for spec in confirm:
        if any(_same(spec, one) for one in harmful):
            raise InputError(
                f"{where}: live.confirm: {spec.grader} with the same arguments is what calls an answer "
                "harmful; a second opinion has to be another one."
            )
    return LiveSpecs(tuple(quality), tuple(harmful), tuple(confirm))


def _entries(entries: Sequence[Mapping[str, Any]], where: str) -> list[tuple[str, dict[str, Any]]]:
    return [(f"{where}.{number}", dict(entry)) for number, entry in enumerate(entries)]


def _read(entry: dict[str, Any], place: str) -> GraderSpec:
    name = entry.get("grader")
    if not isinstance(name, str) or name not in GRADERS:
        trouble = f"there is no grader {one_line(str(name), 60)!r}" if name else "it names no grader"
        raise InputError(f"{place}: {trouble}; use one of {', '.join(GRADERS)}.")
    spec = validate(_Entry, {"spec": entry}, place).spec
    if not spec.on_live:
        raise InputError(f"{place}: {name} is for evals; it is not asked about answers to users.")
    # similarity is held against the passages that were retrieved: any reference will do here.
    probe = Case(id="live", input="?", expect=(spec,), category="live", reference="?")
    lack = spec.lacks(probe)
    if lack is not None or (isinstance(spec, Equals | Fuzzy) and spec.value is None and not spec.any):
        raise InputError(f"{place}: {name} needs an expected answer, which a live answer does not have.")
    return spec


def _same(one: GraderSpec, other: GraderSpec) -> bool:
    return one.model_dump(exclude={"weight"}) == other.model_dump(exclude={"weight"})
