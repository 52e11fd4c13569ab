"""Where a model is served, and which key may be sent there.

The store says what a model is; only this machine's own settings say which hosts may be called
and which key goes to which host. A store that somebody else wrote can therefore never send a
key, or a prompt, to a host that nobody here allowed.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from evals.models.embedded import is_embedded
from evals.models.endpoint import NO_KEY
from store.errors import InputError
from store.records.versions import ModelPin
from store.text import one_line

OPENAI_URL = "https://api.openai.com/v1"
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?|[0-9a-f:]{2,45}")


@dataclass(frozen=True, slots=True)
class EndpointSettings:
    """What settings.toml allows: hosts that may be called, and for a host the variable with its key."""

    allowed_hosts: tuple[str, ...] = ()
    """`host` or `host:port`. Loopback needs no entry."""
    keys: Mapping[str, str] = field(default_factory=dict)
    """By host: the name of the environment variable that holds its key."""


@dataclass(frozen=True, slots=True)
class EndpointAccess:
    """Where to send requests. `base_url` is None for the embedded server, which has to be started."""

    base_url: str | None
    api_key: str = field(default=NO_KEY, repr=False)


def resolve_access(
    model: ModelPin, settings: EndpointSettings, environ: Mapping[str, str] | None = None
) -> EndpointAccess:
    """The way to `model`. Sends nothing.

    Raises InputError when the address or its host is not allowed, or its key is missing.
    """
    if is_embedded(model):
        return EndpointAccess(None)
    url = model.base_url
    if url is None and model.provider == "openai":
        url = OPENAI_URL
    if url is None:
        raise InputError(
            f"model {one_line(model.id, 80)!r} of {one_line(model.provider, 40)!r} has no address: "
            "give its version a --base-url."
        )
    return access_url(url, settings, environ)


def access_url(
    url: str, settings: EndpointSettings, environ: Mapping[str, str] | None = None
) -> EndpointAccess:
    """The way to `url`, for anything that is called over HTTP. Raises InputError."""
    host, port = _checked(url)
    names = (f"{host}:{port}", host) if port else (host,)
    if not _is_loopback(host) and not any(name in _lowered(settings.allowed_hosts) for name in names):
        raise InputError(
            f"host {host!r} is not allowed on this machine: "
            "add it to allowed_hosts in settings.toml if you trust it."
        )
    keys = {name.lower(): variable for name, variable in settings.keys.items()}
    variable = next((keys[name] for name in names if name in keys), None)
    if variable is None:
        return EndpointAccess(url)
    key = (os.environ if environ is None else environ).get(variable, "").strip()
    if not key:
        raise InputError(
            f"the environment variable {one_line(variable, 80)} is not set; "
            f"settings.toml says that it holds the key for {host}."
        )
    if not (key.isascii() and key.isprintable()):
        raise InputError(
            f"the environment variable {one_line(variable, 80)} holds characters that no key has."
        )
    return EndpointAccess(url, key)


def _checked(url: str) -> tuple[str, int | None]:
    shown = one_line(re.sub(r"//[^/@]*@", "//…@", url), 120)
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        raise InputError(f"{shown!r} is not an address: write https://host/path.") from None
    if url != url.strip() or not url.isprintable() or not _HOST.fullmatch(host):
        raise InputError(f"{shown!r} is not an address: write https://host/path.")
    if "@" in parts.netloc:
        raise InputError(
            f"{shown!r} carries a user name or password: leave them out; keys belong in the environment."
        )
    if parts.query or parts.fragment:
        raise InputError(f"{shown!r} carries a query or fragment: a base URL ends with its path.")
    if parts.scheme not in ("https", "http"):
        raise InputError(f"{shown!r} is neither https nor http.")
    if parts.scheme == "http" and not _is_loopback(host):
        raise InputError(f"{shown!r} is not encrypted: use https; http is for this machine's own servers.")
    if _is_link_local(host):
        raise InputError(f"{shown!r} is a link-local address, which is never called.")
    return host, port


def _lowered(hosts: tuple[str, ...]) -> frozenset[str]:
    return frozenset(host.lower() for host in hosts)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_link_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_link_local
    except ValueError:
        return False
