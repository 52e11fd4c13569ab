"""What a shadow may call, with which key and at what price: never with the key of users' requests."""

from __future__ import annotations

from urllib.parse import urlsplit

from console.operations.access import endpoint_settings
from evals.live.capped import Rate
from evals.models.access import OPENAI_URL, EndpointAccess, EndpointSettings, resolve_access
from evals.models.embedded import is_embedded
from store.errors import InputError
from store.records.component import Kind
from store.records.release import Release
from store.records.versions import ModelPin
from store.settings import Settings
from store.snapshot import Snapshot
from store.text import one_line
from store.workspace import Workspace

LOOPBACK = ("127.", "localhost", "::1")


def shadow_settings(workspace: Workspace) -> EndpointSettings:
    """Allowed hosts as ever, with the keys that shadows have of their own."""
    return EndpointSettings(endpoint_settings(workspace).allowed_hosts, workspace.settings.shadow_keys)


def shadow_access(workspace: Workspace, model: ModelPin) -> EndpointAccess:
    """The way to `model` for a shadow. Raises InputError when there is no key of its own for it."""
    if not is_embedded(model):
        demand_own_key(workspace.settings, _url(model))
    return resolve_access(model, shadow_settings(workspace))


def own_key_named(workspace: Workspace, model: ModelPin) -> None:
    """Raises InputError where a shadow may not call `model`. The key itself is the worker's, not read."""
    if is_embedded(model):
        return
    demand_own_key(workspace.settings, _url(model))
    resolve_access(model, EndpointSettings(endpoint_settings(workspace).allowed_hosts))


def demand_own_key(settings: Settings, url: str) -> None:
    """Raises InputError where `url` is called with a key, and shadows have none of their own for it."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    names = {host, f"{host}:{parts.port}"} if parts.port else {host}
    users = {name.lower() for name in settings.keys}
    own = {name.lower() for name in settings.shadow_keys}
    if names & users and not names & own:
        raise InputError(
            f"{one_line(host, 80)} has a key for users' requests and none for shadows: name the variable "
            "with another key under [shadow_keys] in settings.toml, so that shadows cannot use up its limits."
        )


def rate_of(settings: Settings, model: ModelPin) -> Rate:
    """What `model` costs; nothing on this machine. Raises InputError where its price is not known."""
    price = settings.prices.get(model.id)
    if price is not None:
        return Rate(price.input, price.output)
    if is_embedded(model) or is_loopback(_url(model)):
        return Rate()
    name = one_line(model.id, 80)
    raise InputError(
        f"the price of model {name!r} is not known, so no cap on cost can hold: give it under [prices] in "
        f'settings.toml, such as "{name}" = {{ input = 2.5, output = 10 }}'
        " (US dollars for a million tokens)."
    )


def embedder_rate(workspace: Workspace, snapshot: Snapshot, release: Release) -> Rate:
    """What the embedder of the release's first index costs; nothing where it runs on this machine."""
    pins = release.pins(Kind.INDEX)
    name = snapshot.index(pins[0]).embedder.name if pins else ""
    price = workspace.settings.prices.get(name)
    if price is not None:
        return Rate(price.input, price.output)
    if not name.startswith("openai:"):
        return Rate()
    raise InputError(
        f"the price of {one_line(name, 80)!r} is not known, so no cap on cost can hold: give it under "
        "[prices] in settings.toml (US dollars for a million tokens)."
    )


def is_loopback(url: str) -> bool:
    """Whether `url` is on this machine."""
    return (urlsplit(url).hostname or "").startswith(LOOPBACK)


def _url(model: ModelPin) -> str:
    return model.base_url or (OPENAI_URL if model.provider == "openai" else "")
