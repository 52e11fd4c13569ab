"""Pipelines of releases for answering for the log only: capped, with keys of their own, and no cache."""

from __future__ import annotations

from typing import Any

from console.operations.arms import Bench
from console.operations.shadow.access import (
    demand_own_key,
    embedder_rate,
    own_key_named,
    rate_of,
    shadow_access,
    shadow_settings,
)
from evals.judge.pairs import PairJudge
from evals.live.budget import Budget
from evals.live.capped import CappedEmbedder, CappedEndpoint, Rate
from evals.models.access import OPENAI_URL, access_url
from evals.models.embedded import is_embedded, running_server
from evals.models.endpoint import NO_KEY, Endpoint
from evals.pipeline import Pipeline
from evals.suite import Suite, parse_suite
from store.errors import InputError, MachineryError
from store.records.component import Kind, Pin
from store.records.release import Release
from store.records.versions import EmbedderIdentity, ModelPin
from store.snapshot import Snapshot
from store.workspace import Workspace

RETRIEVE = 3
"""Passages given to the prompt where no suite says how many."""


class Replays(Bench):
    """Opens what replays need. Use it as `async with`."""

    def __init__(self, workspace: Workspace, snapshot: Snapshot, budget: Budget, deadline_s: float) -> None:
        super().__init__(workspace, snapshot)
        self._budget = budget
        self._deadline_s = deadline_s
        self._identities: dict[str, EmbedderIdentity] = {}
        self._rates: dict[str, Rate] = {}

    async def __aenter__(self) -> Replays:
        return self  # without the answers of evals: a replay is to be a new answer

    async def replayed(self, release: Release) -> Pipeline:
        """`release`, ready to answer. Raises InputError or MachineryError."""
        for pin in release.pins(Kind.INDEX):
            embedder = self._snapshot.index(pin).embedder
            self._identities[embedder.name] = embedder
            self._rates[embedder.name] = embedder_rate(self._workspace, self._snapshot, release)
        return await self.pipeline(release, retrieve_of(self._snapshot, release))

    async def pair_judge(self, candidate: Release, stable: Release) -> PairJudge | None:
        """Who says which of two answers is better; None where nobody may. Raises InputError."""
        model = judge_of(self._snapshot, candidate, stable)
        if model is None:
            return None
        return PairJudge(await self._stack.enter_async_context(self._endpoint(model)))

    def _endpoint(self, model: ModelPin) -> Endpoint:
        rate = rate_of(self._workspace.settings, model)
        identity, key = None, NO_KEY
        if is_embedded(model):
            if model.id not in self._servers:
                log = self._workspace.state / "model-server.log"
                self._servers[model.id] = self._stack.enter_context(running_server(model.id, log=log))
            url, identity = self._servers[model.id].base_url, self._servers[model.id].identity
        else:
            access = shadow_access(self._workspace, model)
            url, key = str(access.base_url), access.api_key
        return CappedEndpoint(
            model, url, key, budget=self._budget, rate=rate, deadline_s=self._deadline_s, identity=identity
        )

    def _embedder(self, name: str) -> Any:
        if name not in self._embedders and name.startswith("openai:"):
            self._embedders[name] = self._capped(name)
        return super()._embedder(name)

    def _capped(self, name: str) -> CappedEmbedder:
        from indexes.embedders.endpoint import Endpoint as EmbedderEndpoint
        from indexes.embedders.protocol import EndpointAccess

        demand_own_key(self._workspace.settings, OPENAI_URL)
        access = access_url(OPENAI_URL, shadow_settings(self._workspace))
        way = EndpointAccess(access.base_url, access.api_key)
        embedder = EmbedderEndpoint(name.removeprefix("openai:"), way, sleep=_no_second_try)
        return CappedEmbedder(embedder, self._identities[name], self._budget, self._rates[name])


def _no_second_try(_: float) -> None:
    """One call is booked, so one is made."""
    raise MachineryError("the embedder gave no answer, and a shadow does not try again.")


def retrieve_of(snapshot: Snapshot, release: Release) -> int:
    """How many passages the release's suites give to the prompt: the first's."""
    suites = suites_of(snapshot, release)
    return suites[0].info.retrieve if suites else RETRIEVE


def suites_of(snapshot: Snapshot, release: Release) -> list[Suite]:
    """The eval suites of `release`. Raises InputError when one cannot be read."""
    return [parse_suite(snapshot.files(pin), str(pin)) for pin in release.pins(Kind.EVALS)]


def judge_of(snapshot: Snapshot, candidate: Release, stable: Release | None = None) -> ModelPin | None:
    """The judge of the candidate's suites: the first that is the model of neither release, because models
    favour their own words."""
    releases = [candidate] if stable is None else [candidate, stable]
    own = [snapshot.model(pin) for one in releases for pin in one.pins(Kind.MODEL)]
    for suite in suites_of(snapshot, candidate):
        if suite.info.judge is not None:
            model = snapshot.model(Pin.parse(suite.info.judge.model))
            if all((model.provider, model.id) != (one.provider, one.id) for one in own):
                return model
    return None


def demand_replayable(workspace: Workspace, snapshot: Snapshot, release: Release) -> None:
    """Raises InputError where `release` cannot be answered for the log only, with the way out.

    That is where it is not exactly a prompt and a model, where what answers is the application itself (a
    callable or an endpoint, which may do more than answer), where a price is missing, or a key of its own.
    """
    for pin in release.pins(Kind.EVALS):
        target = parse_suite(snapshot.files(pin), str(pin)).info.target
        if target != "pipeline":
            raise InputError(
                f"{release.id} is evaluated through the application itself ({pin} has target {target}), "
                "which may do more than answer: a shadow never calls it. Shadow a release whose suites have "
                "target pipeline."
            )
    for kind in (Kind.PROMPT, Kind.MODEL):
        if len(pins := release.pins(kind)) != 1:
            found = ", ".join(map(str, pins)) or "none"
            raise InputError(
                f"{release.id} has {found} of kind {kind.value}; a shadow wants exactly one, because it "
                "answers with Lockgate's own pipeline."
            )
    (pin,) = release.pins(Kind.MODEL)
    judge = judge_of(snapshot, release)
    for model in (snapshot.model(pin), *([judge] if judge is not None else [])):
        rate_of(workspace.settings, model)
        own_key_named(workspace, model)
    embedder_rate(workspace, snapshot, release)
