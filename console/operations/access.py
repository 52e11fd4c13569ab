"""What this machine's settings allow, in the form that endpoints and embedders want."""

from __future__ import annotations

from evals.models.access import EndpointSettings, access_url
from indexes.embedders import Embedder, EndpointAccess, get_embedder
from store.workspace import Workspace


def endpoint_settings(workspace: Workspace) -> EndpointSettings:
    """Allowed hosts, and which variable holds which key."""
    return EndpointSettings(workspace.settings.allowed_hosts, workspace.settings.keys)


def embedder(workspace: Workspace, name: str) -> Embedder:
    """The embedder called `name`. Raises InputError for an unknown one or a host that is not allowed."""
    if not name.startswith("openai:"):
        return get_embedder(name)
    access = access_url(workspace.settings.embedder_url, endpoint_settings(workspace))
    return get_embedder(name, endpoint=EndpointAccess(access.base_url, access.api_key))
