"""What answers for a release: its suite's target with everything it needs opened, and closed afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any

from console.operations.access import embedder as find_embedder
from console.operations.access import endpoint_settings
from console.operations.ready import opened
from evals.application import HttpTarget, PythonTarget
from evals.cache import AnswerCache
from evals.evaluate import Arm
from evals.graders.base import GradeContext
from evals.models.access import resolve_access
from evals.models.embedded import RunningServer, is_embedded, running_server
from evals.models.endpoint import Endpoint
from evals.pipeline import Pipeline
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

    def __init__(self, workspace: Workspace, snapshot: Snapshot) -> None:
        self._workspace = workspace
        self._snapshot = snapshot
        self._stack = AsyncExitStack()
        self._servers: dict[str, RunningServer] = {}
        self._embedders: dict[str, Any] = {}
        self._retrievers: dict[Pin, Any] = {}
        self._cache: AnswerCache | None = None

    async def __aenter__(self) -> Bench:
        self._cache = self._stack.enter_context(AnswerCache(self._workspace.state / "evals.sqlite"))
        return self

    async def __aexit__(self, *error: Any) -> None:
        await self._stack.aclose()

    async def arm(self, release: Release, suite: Suite) -> Arm:
        """`release` ready to answer the cases of `suite`. Raises InputError or MachineryError."""
        return Arm(release.id, release.digest, await self._target(release, suite))

    def context(self, release: Release) -> GradeContext:
        """What graders may use: the embedder of the release's first index, if it has one."""
        pins = release.pins(Kind.INDEX)
        if not pins:
            return GradeContext()
        return GradeContext(embed=self._embedder(self._snapshot.index(pins[0]).embedder.name).embed)

    async def _target(self, release: Release, suite: Suite) -> Target:
        info = suite.info
        if info.target == "python":
            allowed = self._workspace.settings.allowed_callables
            return PythonTarget.load(str(info.callable), allowed)
        if info.target == "http":
            target = HttpTarget.open(str(info.url), release.id, endpoint_settings(self._workspace))
            return await self._stack.enter_async_context(target)
        return await self.pipeline(release, info.retrieve)

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
        if is_embedded(model):
            if model.id not in self._servers:
                log = self._workspace.state / "model-server.log"
                self._servers[model.id] = self._stack.enter_context(running_server(model.id, log=log))
            server = self._servers[model.id]
            return Endpoint(model, server.base_url, identity=server.identity)
        access = resolve_access(model, endpoint_settings(self._workspace))
        return Endpoint(model, str(access.base_url), access.api_key)

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
