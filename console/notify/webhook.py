"""Delivering to a webhook: one signed POST."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlsplit

from console.notify.address import admission
from console.notify.outcome import Outcome
from console.version import version
from evals.live.prometheus.exchange import ExchangeError, Reply, Request, exchange
from prompts.secrets import redact_secrets
from store.errors import InputError
from store.settings import NotifyTarget
from store.text import one_line

SIGNATURE = "Lockgate-Signature"
"""`v1=` and 64 hex digits: HMAC-SHA256 of the timestamp, a dot and the body."""
TIMESTAMP = "Lockgate-Timestamp"
"""When it was sent, in whole seconds since 1970."""
KEY = "Idempotency-Key"
"""The event's id: the same in every try."""
_REPLY_LIMIT = 4096
_SHORTEST_SECRET = 16
_LATER = (408, 425, 429)
_LONGEST_WAIT_S = 3600


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """The value of the signature header."""
    signed = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256)
    return f"v1={signed.hexdigest()}"


def post(
    target: NotifyTarget,
    event_id: str,
    body: bytes,
    now: datetime,
    allowed_hosts: tuple[str, ...],
    environ: Mapping[str, str],
) -> Outcome:
    """Sends `body` to the target, once. Whatever goes wrong is in the outcome."""
    url = target.url or ""
    try:
        admit = admission(url, allowed_hosts)
        secret = _secret(target, environ)
    except InputError as error:
        return Outcome("failed", error.message, is_down=True)
    timestamp = int(now.timestamp())
    headers = {
        "Content-Type": "application/json",
        "User-Agent": f"lockgate/{version()}",
        KEY: event_id,
        TIMESTAMP: str(timestamp),
    }
    if secret is not None:
        headers[SIGNATURE] = signature(secret, timestamp, body)
    try:
        reply = exchange(
            Request("POST", url, headers, body),
            timeout_s=target.timeout_s,
            limit=_REPLY_LIMIT,
            admit=admit,
        )
    except ExchangeError as error:
        return Outcome("failed", _clean(error.message, url, secret), is_down=True)
    return _read(reply, url, secret)


def _read(reply: Reply, url: str, secret: str | None) -> Outcome:
    status = reply.status
    if 200 <= status < 300:
        return Outcome("delivered", f"answered {status}")
    if 300 <= status < 400:
        return Outcome("failed", f"answered {status}; redirects are not followed")
    said = _clean(reply.body.decode(errors="replace"), url, secret)
    text = f"answered {status}" + (f": {said}" if said else "")
    if status == 410:
        return Outcome("gone", text)
    is_down = status >= 500 or status in _LATER
    return Outcome("failed", text, is_down, _wait_s(reply.headers.get("retry-after", "")))


def _wait_s(text: str) -> float | None:
    """The seconds of a Retry-After header, at most an hour; None for a date or nonsense."""
    text = text.strip()
    whole = text.isascii() and text.isdigit() and len(text) < 10
    return float(min(int(text), _LONGEST_WAIT_S)) if whole else None


def _secret(target: NotifyTarget, environ: Mapping[str, str]) -> str | None:
    if target.secret_env is None:
        return None
    secret = environ.get(target.secret_env, "").strip()
    if not secret:
        raise InputError(
            f"the environment variable {target.secret_env} is not set; "
            f"settings.toml says that it holds the secret of {target.name}."
        )
    if len(secret) < _SHORTEST_SECRET:
        raise InputError(
            f"the secret in {target.secret_env} is shorter than {_SHORTEST_SECRET} characters; "
            "anybody could guess it."
        )
    return secret


def _clean(text: str, url: str, secret: str | None) -> str:
    """`text` on one line, without the secret and without what an address may hold as one."""
    parts = urlsplit(url)
    hidden = [url, f"{parts.path}?{parts.query}", parts.path, parts.query, *parts.path.split("/")]
    for part in (secret or "", *sorted(hidden, key=len, reverse=True)):
        if len(part) >= 8:
            text = text.replace(part, "[…]")
    return one_line(redact_secrets(text), 160)
