"""Examines a suite's judge at the beginning of a run: can it be believed, and may its word block?"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Coroutine, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

from evals.graders.base import GradeContext, Yields
from evals.graders.judge import Judged
from evals.judge.agreement import Agreement
from evals.judge.canaries import try_canaries
from evals.judge.measuring import labelled, measure
from store.progress import Stop, never
from store.progress import check as check_stop
from store.records.policy import Tier

if TYPE_CHECKING:
    from evals.case import Case
    from evals.suite import Suite

T = TypeVar("T")
_LOOK_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Standing:
    """What a judge's word is worth in this run."""

    doubts: tuple[str, ...] = ()
    """Why the run is invalid, one sentence each: it may block for other reasons, but not pass."""
    agreement: Mapping[Yields, Agreement] = field(default_factory=dict)
    """With people, by what the judge is asked for."""

    @property
    def trusted(self) -> frozenset[Yields]:
        """Where the judge's word may hold a release back."""
        if self.doubts:
            return frozenset()
        return frozenset(kind for kind, found in self.agreement.items() if found.suffices)

    def only_warns(self, case: Case) -> bool:
        """Whether all that grades `case` is a judge whose word does not count."""
        return all(isinstance(spec, Judged) and spec.yields not in self.trusted for spec in case.expect)

    def why(self, cases: Collection[Case]) -> str:
        """Why the judges of `cases` only warn: the middle of a sentence."""
        if self.doubts:
            return "it let a planted bad answer pass, or could not be tried with it"
        kinds = {spec.yields for case in cases for spec in case.expect if isinstance(spec, Judged)}
        wanting = [found for kind, found in self.agreement.items() if kind in kinds and not found.suffices]
        return "; ".join(found.sentence for found in wanting) or "no judge is open"


async def examined(
    suite: Suite, tier: Tier, context: GradeContext, stop: Stop = never
) -> tuple[GradeContext, Standing]:
    """`context` with what may be believed of its judge, and how it stands.

    Asks nothing where no case of `tier` is judged or no judge is open.
    Raises EndpointError where the judge's endpoint will answer nothing, Cancelled.
    """
    cases = suite.select(tier)
    specs = [spec for case in cases for spec in case.expect if isinstance(spec, Judged)]
    if not specs or context.judge is None:
        return replace(context, trusted=frozenset()), Standing()
    own = suite.info.judge.canaries if suite.info.judge else ()
    judge = context.judge
    doubts = await _unless(stop, try_canaries(judge, own, {spec.scale for spec in specs}))
    agreement: dict[Yields, Agreement] = {}
    for kind in sorted({spec.yields for spec in specs}):
        answers = labelled(suite.labels, suite.cases, kind)
        agreement[kind] = await _unless(stop, measure(judge, answers))
    standing = Standing(doubts, agreement)
    return replace(context, trusted=standing.trusted), standing


async def _unless(stop: Stop, work: Coroutine[Any, Any, T]) -> T:
    """What `work` returns. Raises Cancelled as soon as `stop` says so."""
    task = asyncio.ensure_future(work)
    try:
        while not task.done():
            check_stop(stop, "The evals")
            await asyncio.wait({task}, timeout=_LOOK_SECONDS)
        return task.result()
    finally:
        task.cancel()
