"""Opens the endpoint of a model version for probes."""

from __future__ import annotations

import importlib.metadata
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from store.records.versions import ModelPin
from store.workspace import Workspace

if TYPE_CHECKING:
    from evals.drift.probe import Prober


@asynccontextmanager
async def opened(workspace: Workspace, model: ModelPin) -> AsyncIterator[Prober]:
    """A prober for `model`; an embedded model's server runs for as long.

    Raises InputError where this machine may not call it, MachineryError where its server does not start.
    """
    from console.operations.access import endpoint_settings
    from evals.drift.probe import Prober
    from evals.models.access import resolve_access
    from evals.models.embedded import is_embedded, running_server
    from evals.models.lane import Lane
    from evals.models.retry import Limits

    limits = Limits(attempts=3, timeout_s=30, deadline_s=90)
    lane = Lane(workspace.settings.concurrency)
    if is_embedded(model):
        with running_server(model.id, log=workspace.state / "model-server.log") as server:
            async with Prober(
                model, server.base_url, served_by=server.identity, limits=limits, lane=lane
            ) as prober:
                yield prober
        return
    access = resolve_access(model, endpoint_settings(workspace))
    async with Prober(model, str(access.base_url), access.api_key, limits=limits, lane=lane) as prober:
        yield prober


def engine_of(model: ModelPin) -> str:
    """The engine that would serve an embedded `model` now; empty for all others."""
    from evals.models.embedded import is_embedded

    if not is_embedded(model):
        return ""
    try:
        return f"embedded xllamacpp {importlib.metadata.version('xllamacpp')}"
    except importlib.metadata.PackageNotFoundError:
        return ""
