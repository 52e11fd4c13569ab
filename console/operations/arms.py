"""What answers for a release: its suite's target with everything it needs opened, and closed afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

from console.operations.access import embedder as find_embedder
from console.operations.access import endpoint_settings
from console.operations.ready import opened
from console.operations.shadow.access import rate_of
from evals.application import HttpTarget, PythonTarget
from evals.cache import AnswerCache
from evals.evaluate import Arm
from evals.graders.base import GradeContext
from evals.judge.judging import Judge
from evals.judge.opening import refuse_own_judge
from evals.models.access import resolve_access
from evals.models.embedded import RunningServer, is_embedded, running_server
from evals.models.endpoint import Endpoint
from evals.models.lane import Lanes
from evals.pipeline import Pipeline
from evals.running.budget import Purse, PurseMeter
from evals.suite import Suite
from evals.target import Target
from prompts.prompt import parse_prompt
from store.errors import InputError
from store.records.component import Kind, Pin
from store.records.release import Release
from store.records.versions import ModelPin
from store.snapshot import Snapshot
from store.workspace import Workspace


class Bench:
    """Opens servers, indexes and embedders once for all arms of an evaluation. Use it as `async with`."""

    def __init__(
        self, workspace: Workspace, snapshot: Snapshot, *, fresh: bool = False, purse: Purse | None = None
    ) -> None:
        """`fresh` uses no answer of an earlier run; `purse` is told what every endpoint uses."""
        self._workspace = workspace
        self._snapshot = snapshot
        self._fresh = fresh
        self._purse = purse
        self._lanes = Lanes(workspace.settings.concurrency)
        self._stack = AsyncExitStack()
        self._servers: dict[str, RunningServer] = {}
        self._embedders: dict[str, Any] = {}
        self._retrievers: dict[Pin, Any] = {}
        self._cache: AnswerCache | None = None

    async def __aenter__(self) -> Bench:
        path = self._workspace.state / "evals.sqlite"
        self._cache = self._stack.enter_context(AnswerCache(path, fresh=self._fresh))
        return self

    async def __aexit__(self, *error: Any) -> None:
        await self._stack.aclose()

    async def arm(self, release: Release, suite: Suite) -> Arm:
        """`release` ready to answer the cases of `suite`. Raises InputError or MachineryError."""
        target = await self._target(release, suite)
        identity = target.identity if isinstance(target, Pipeline) else None
        return Arm(release.id, release.digest, target, identity)

    def context(self, release: Release) -> GradeContext:
        """What graders may use: prices, what may be called here, and the embedder of the release's first
        index, if it has one."""
        settings = self._workspace.settings
        pins = release.pins(Kind.INDEX)
        return GradeContext(
            embed=self._embedder(self._snapshot.index(pins[0]).embedder.name).embed if pins else None,
            prices=settings.prices,
            allowed_callables=settings.allowed_callables,
        )

    async def judging(self, release: Release, suite: Suite, where: str) -> GradeContext:
        """`context` with the judge of `suite` (called `where`), if it has one. Raises InputError where the
        judge would judge itself, or cannot be asked from here."""
        context = self.context(release)
        if suite.info.judge is None:
            return context
        pin = suite.info.judge.model
        model = self._snapshot.model(Pin.parse(pin))
        candidate = {str(one): self._snapshot.model(one) for one in release.pins(Kind.MODEL)}
        refuse_own_judge(pin, model, candidate, where)
        endpoint = await self._stack.enter_async_context(self._endpoint(model))
        at_once = self._workspace.settings.concurrency
        return replace(context, judge=Judge(pin, endpoint, self._cache, concurrency=at_once))

    async def _target(self, release: Release, suite: Suite) -> Target:
        info = suite.info
        if info.target == "pipeline":
            return await self.pipeline(release, info.retrieve)
        self._refuse_uncounted(info.target)
        if info.target == "python":
            allowed = self._workspace.settings.allowed_callables
            return PythonTarget.load(str(info.callable), allowed)
        settings = endpoint_settings(self._workspace)
        target = HttpTarget.open(str(info.url), release.id, settings, lanes=self._lanes)
        return await self._stack.enter_async_context(target)

    def _refuse_uncounted(self, target: str) -> None:
        budget = self._purse.budget if self._purse else None
        if budget is not None and (budget.max_usd is not None or budget.max_tokens is not None):
            raise InputError(
                f"a suite with the target {target} is answered by the application itself, whose tokens and "
                "costs are not known here: limit it by minutes (--max-minutes) only."
            )

    async def pipeline(self, release: Release, retrieve: int) -> Pipeline:
        """The release's own pipeline: guardrails, index, prompt and model, as an application runs it."""
        model = self._snapshot.model(_only(release, Kind.MODEL))
        prompt = _only(release, Kind.PROMPT)
        indexes = release.pins(Kind.INDEX)
        return Pipeline(
            prompt=parse_prompt(self._snapshot.files(prompt), str(prompt)),
            endpoint=await self._stack.enter_async_context(self._endpoint(model)),
            retriever=self._retriever(indexes[0]) if indexes else None,
            guardrails=[self._snapshot.guardrail(pin) for pin in release.pins(Kind.GUARDRAIL)],
            retrieve=retrieve,
            cache=self._cache,
        )

    def _endpoint(self, model: ModelPin) -> Endpoint:
        meter = self._meter(model)
        if is_embedded(model):
            if model.id not in self._servers:
                log = self._workspace.state / "model-server.log"
                self._servers[model.id] = self._stack.enter_context(running_server(model.id, log=log))
            server = self._servers[model.id]
            lane = self._lanes.of(server.base_url, "")
            return Endpoint(model, server.base_url, identity=server.identity, lane=lane, meter=meter)
        access = resolve_access(model, endpoint_settings(self._workspace))
        url = str(access.base_url)
        return Endpoint(model, url, access.api_key, lane=self._lanes.of(url, access.api_key), meter=meter)

    def _meter(self, model: ModelPin) -> PurseMeter | None:
        """Raises InputError where money is limited and the model's price is not known."""
        if self._purse is None:
            return None
        limited = self._purse.budget.max_usd is not None
        return self._purse.meter(rate_of(self._workspace.settings, model).usd if limited else None)

    def _retriever(self, pin: Pin) -> Any:
        from indexes.collection import collection_name
        from indexes.opened import Retriever

        if pin not in self._retrievers:
            manifest = self._snapshot.index(pin)
            retriever = Retriever.open(
                opened(self._workspace, self._snapshot, pin),
                collection_name(pin.component.name),
                self._embedder(manifest.embedder.name),
            )
            self._stack.callback(retriever.close)
            self._retrievers[pin] = retriever
        return self._retrievers[pin]

    def _embedder(self, name: str) -> Any:
        if name not in self._embedders:
            self._embedders[name] = find_embedder(self._workspace, name)
        return self._embedders[name]


def _only(release: Release, kind: Kind) -> Pin:
    """The release's one version of `kind`; with several, the pipeline cannot know which is meant."""
    pins: Sequence[Pin] = release.pins(kind)
    if len(pins) == 1:
        return pins[0]
    found = ", ".join(str(pin) for pin in pins) or "none"
    raise InputError(
        f"{release.id} has {found} of kind {kind.value}; a suite with target pipeline wants exactly one: "
        "use target http or python for an application of its own."
    )
