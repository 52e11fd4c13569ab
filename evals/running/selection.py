"""Which cases of a suite are looked at. A choice is for looking: it never becomes a verdict."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass

from evals.suite import Suite
from store.errors import InputError
from store.records.policy import Tier
from store.text import one_line

_NAMED = 8


@dataclass(frozen=True, slots=True)
class Selection:
    """What was asked for. Of several values of one field any counts; all fields have to agree."""

    categories: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    cases: tuple[str, ...] = ()
    """Ids."""
    limit: int | None = None
    """At most so many of each suite, the first in the order of the file."""

    @property
    def is_everything(self) -> bool:
        """Whether nothing was asked for, so that a verdict may come of it."""
        return self == Selection()

    def words(self) -> str:
        """ "category safety, tag chat or login, at most 10"."""
        parts = [
            f"{name} {' or '.join(one_line(value, 60) for value in values)}"
            for name, values in (("category", self.categories), ("tag", self.tags), ("case", self.cases))
            if values
        ]
        return ", ".join(parts + ([f"at most {self.limit}"] if self.limit is not None else []))


def selected(suites: Iterable[Suite], tier: Tier, selection: Selection) -> list[Suite | None]:
    """`suites` with the chosen cases of `tier` only; None for one of which none is chosen.

    Raises InputError when a name stands in no suite, or nothing is chosen at all.
    """
    suites = list(suites)
    cases = [case for suite in suites for case in suite.select(tier)]
    _known("category", selection.categories, (case.category for case in cases), tier)
    _known("tag", selection.tags, (tag for case in cases for tag in case.tags), tier)
    _known("case", selection.cases, (case.id for case in cases), tier)
    if selection.limit is not None and selection.limit < 1:
        raise InputError(f"a limit of {selection.limit} leaves no cases: give 1 or more.")
    found = [_chosen(suite, tier, selection) for suite in suites]
    if not any(found):
        raise InputError(f"no case of the {tier} tier is all of: {selection.words()}.")
    return found


def _chosen(suite: Suite, tier: Tier, selection: Selection) -> Suite | None:
    cases = tuple(
        case
        for case in suite.select(tier)
        if (not selection.categories or case.category in selection.categories)
        and (not selection.tags or set(selection.tags) & set(case.tags))
        and (not selection.cases or case.id in selection.cases)
    )[: selection.limit]
    return dataclasses.replace(suite, cases=cases) if cases else None


def _known(what: str, asked: Iterable[str], there: Iterable[str], tier: Tier) -> None:
    names = set(there)
    for name in asked:
        if name not in names:
            some = ", ".join(one_line(one, 60) for one in sorted(names)[:_NAMED])
            more = ", …" if len(names) > _NAMED else ""
            has = f"there are {some}{more}" if names else "there are none"
            raise InputError(f"the {tier} tier has no {what} {one_line(name, 60)!r}: {has}.")
