"""Retrieval: what two index versions find for the same questions, each asked through its own embedder."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from console.operations.access import embedder as find_embedder
from console.operations.ready import index_check, opened
from evals.answer import Retrieved
from evals.retrieval_change import Question, Refound, RetrievalChange, refound, retrieval_change
from store.errors import InputError, MachineryError
from store.progress import Progress, Report, Stop, check, never, silent
from store.records.component import Kind, Pin
from store.snapshot import Snapshot
from store.text import one_line
from store.workspace import Workspace

if TYPE_CHECKING:
    from indexes.embedders import Embedder
    from indexes.opened import Retriever
    from store.records.versions import EmbedderIdentity

DEEPEST = 50
"""Passages of one answer, at most."""
_PASSAGES = 100_000
"""Passages of all answers of one version: they are kept in memory."""
_BATCH = 32
"""Questions that are embedded together; between two batches it is looked whether to stop."""


class _Once:
    """An embedder that two versions share: what one of them has just asked is not embedded again."""

    def __init__(self, inner: Embedder) -> None:
        self._inner = inner
        self._texts: tuple[str, ...] = ()
        self._vectors: Any = None

    @property
    def identity(self) -> EmbedderIdentity:
        return self._inner.identity

    def embed(self, texts: Sequence[str]) -> Any:
        if self._vectors is None or self._texts != tuple(texts):
            self._vectors, self._texts = self._inner.embed(texts), tuple(texts)
        return self._vectors


def compare_retrieval(
    workspace: Workspace,
    snapshot: Snapshot,
    older: Pin,
    newer: Pin,
    questions: Sequence[Question],
    k: int,
    *,
    report: Report = silent,
    stop: Stop = never,
) -> RetrievalChange:
    """Asks two index versions everything in `questions` and compares their first `k` passages.

    Copies that are open already are used, others are made, verified and probed as for a switch.
    Raises InputError for what is no index, MachineryError when one cannot be opened or asked, Cancelled.
    """
    for pin in (older, newer):
        if pin.component.kind is not Kind.INDEX:
            raise InputError(f"{pin} is no index; only index versions are asked questions.")
        here = index_check(workspace, snapshot, pin)
        if here.verdict == "unmet":
            raise MachineryError(here.text)
    if not 1 <= k <= DEEPEST:
        raise InputError(f"a comparison looks at 1 to {DEEPEST} passages, not {k}.")
    if len(questions) * k > _PASSAGES:
        raise InputError(
            f"{len(questions):,} questions with {k} passages each are over {_PASSAGES:,} passages; "
            "ask fewer questions, or look at fewer passages."
        )
    embedders: dict[str, _Once] = {}
    found: list[Refound] = []
    with ExitStack() as stack:
        sides = [
            stack.enter_context(_retriever(workspace, snapshot, pin, embedders, report, stop))
            for pin in (older, newer)
        ]
        for at in range(0, len(questions), _BATCH):
            check(stop, "The comparison")
            batch = questions[at : at + _BATCH]
            report(Progress("asking both", at, len(questions), one_line(batch[0].text, 60)))
            before, after = (_ask(side, batch, k) for side in sides)
            found += [refound(*one, k) for one in zip(batch, before, after, strict=True)]
    report(Progress("asking both", len(questions), len(questions)))
    return retrieval_change(found, k)


def _retriever(
    workspace: Workspace,
    snapshot: Snapshot,
    pin: Pin,
    embedders: dict[str, _Once],
    report: Report,
    stop: Stop,
) -> Retriever:
    from indexes.collection import collection_name
    from indexes.embedders import Waiting
    from indexes.opened import Retriever

    name = snapshot.index(pin).embedder.name
    if name not in embedders:
        inner = find_embedder(workspace, name)
        if isinstance(inner, Waiting):
            inner.attend(report, stop)
        embedders[name] = _Once(inner)
    path = opened(workspace, snapshot, pin, report, stop)
    return Retriever.open(path, collection_name(pin.component.name), embedders[name])


def _ask(side: Retriever, batch: Sequence[Question], k: int) -> list[tuple[Retrieved, ...]]:
    """Equally near passages by id: their order says nothing."""
    answers = side.query([one.text for one in batch], k)
    return [
        tuple(
            Retrieved(one.id, one.source, one.text, one.distance)
            for one in sorted(answer, key=lambda one: (one.distance, one.id))
        )
        for answer in answers
    ]
