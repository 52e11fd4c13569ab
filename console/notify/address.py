"""Which addresses a webhook may lead to.

The host has to be listed in allowed_hosts, loopback too: what listens on this machine did not ask for
what others did. A name that leads to a private address is let through only where that address is listed
as well, so that who runs a name service cannot point us at a neighbour.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from urllib.parse import urlsplit

from evals.models.access import EndpointSettings, access_url
from store.errors import InputError

LOCAL = "localhost"


def admission(url: str, allowed_hosts: tuple[str, ...]) -> Callable[[str], str | None]:
    """What says of each IP address behind `url` why it must not be called, or None.

    Raises InputError for an address that is malformed, not encrypted, or whose host is not allowed. Its
    sentence names the host only: a webhook's path may be a secret.
    """
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        raise InputError("the webhook's url is not an address: write https://host/path.") from None
    if parts.fragment or not url.isascii() or not url.isprintable() or " " in url:
        raise InputError(f"the webhook's url at {host!r} holds what no address may: write https://host/path.")
    access_url(f"{parts.scheme}://{parts.netloc}/", EndpointSettings(allowed_hosts))
    allowed = frozenset(one.lower() for one in allowed_hosts)
    if host not in allowed and f"{host}:{port}" not in allowed:
        raise InputError(
            f"host {host!r} is not allowed on this machine: add it to allowed_hosts in settings.toml."
        )

    def refusal(address: str) -> str | None:
        found = _plain(address)
        if found is None or found.is_link_local or found.is_multicast or found.is_unspecified:
            return f"{host!r} leads to {address}, which is never called"
        if found.is_global or _names(host, found) or str(found) in allowed:
            return None
        return (
            f"{host!r} leads to {found}, a private address: add it to allowed_hosts in settings.toml "
            "if you trust it"
        )

    return refusal


_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def _names(host: str, found: _Address) -> bool:
    """Whether `host`, which is allowed, says itself that this is where it leads."""
    return _plain(host) == found or (host == LOCAL and found.is_loopback)


def _plain(text: str) -> _Address | None:
    """An IP address, an IPv4 one also where it is written as IPv6; None where it is a name."""
    try:
        found = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return mapped or found
