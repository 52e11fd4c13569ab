"""Which addresses a remote may have, and how one is shown without what is secret in it."""

from __future__ import annotations

import re

from store.text import one_line, safe_text

ALLOWED = ("https", "ssh", "git", "http", "file")
"""The schemes that are passed to git. `ext::` and `fd::` run programs."""
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.DOTALL)
_HELPER = re.compile(r"[A-Za-z0-9+.-]*::")
_SCP = re.compile(r"(?P<user>[^/:@\s]+@)?(?P<host>\[[0-9A-Fa-f:.]+\]|[^/:@\s]+):(?P<path>.+)", re.DOTALL)
_USERINFO = re.compile(r"://[^/\s'\"]*@")


def trouble(url: str) -> str | None:
    """What is wrong with `url` as a remote, as the end of a sentence that shows nothing of it; None when
    it may be used."""
    if not url.strip() or url != url.strip():
        return "is empty, or begins or ends with a space"
    if safe_text(url) != url or "\n" in url or "\t" in url:
        return "holds a control or an invisible character"
    if url.startswith("-"):
        return "begins with a dash, which git takes for an option"
    if _HELPER.match(url):
        return "names a helper program (`ext::`, `fd::`), which a remote may not"
    if (found := _SCHEME.fullmatch(url)) is not None:
        return _scheme_trouble(found[1].lower(), found[2])
    if url.startswith("/"):
        return None
    scp = _SCP.fullmatch(url)
    if scp is None:
        return f"is neither an absolute path nor an address ({', '.join(ALLOWED)}, or host:path)"
    return "names a host that begins with a dash" if scp["host"].startswith("-") else None


def _scheme_trouble(scheme: str, rest: str) -> str | None:
    if scheme not in ALLOWED:
        return f"wants the scheme {scheme}; a remote has one of {', '.join(ALLOWED)}"
    host = rest.split("/", 1)[0].rpartition("@")[2]
    if scheme == "file":
        return None if rest.startswith("/") else "names a host, which a file:// address may not"
    if not host:
        return "names no host"
    return "names a host that begins with a dash" if host.startswith("-") else None


def masked(url: str) -> str:
    """`url` on one safe line, with a password, a token and a query replaced by ***."""
    found = _SCHEME.fullmatch(url)
    if found is None:
        return one_line(url)
    scheme, rest = found[1], found[2]
    rest, asks, _ = rest.partition("?")
    authority, slash, path = rest.partition("/")
    if "@" not in authority and "@" in path:  # a slash in a password
        authority, slash, path = rest.rpartition("@")[0] + "@", "", rest.rpartition("@")[2]
    user, at, host = authority.rpartition("@")
    if at and not (scheme.lower() == "ssh" and ":" not in user):
        user = "***"
    return one_line(f"{scheme}://{user}{at}{host}{slash}{path}{'?***' if asks else ''}")


def cleaned(text: str, url: str) -> str:
    """`text`, which git said about `url`, without anything secret that `url` holds."""
    text = text.replace(url, masked(url))
    for secret in _secrets(url):
        text = text.replace(secret, "***")
    return _USERINFO.sub("://***@", text)


def _secrets(url: str) -> tuple[str, ...]:
    """The parts of `url` that are shown nowhere, the longest first."""
    found = _SCHEME.fullmatch(url)
    if found is None:
        return ()
    rest, _, query = found[2].partition("?")
    authority = rest.split("/", 1)[0] if "@" in rest.split("/", 1)[0] else rest
    user = authority.rpartition("@")[0]
    password = user.partition(":")[2]
    if found[1].lower() == "ssh" and not password:
        user = ""
    return tuple(sorted({one for one in (user, password, query) if len(one) > 2}, key=len, reverse=True))
