"""What an endpoint's refusal means: whether to ask again, after how long, and what to say of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime

from store.text import one_line

ATTEMPTS = 5
"""For one request that fails; waits because of too many requests do not count."""
ASKING_SECONDS, BUILDING_SECONDS = 120.0, 900.0
"""That one request may wait in all because there are too many: a question, or a batch of a build."""
LONGEST_WAIT_SECONDS = 60.0
"""Between two attempts, whatever the endpoint asks for."""
_FIRST_WAIT_SECONDS = 0.5
_HOPELESS = {
    401: "refused the key; settings.toml names the variable that holds it",
    402: "wants to be paid first",
    403: "refused access",
    404: "knows no such model or path",
    405: "does not take this request",
    413: "found the request too large; cut shorter passages with --chunk",
}
_NO_QUOTA = ("insufficient_quota", "billing_hard_limit_reached", "billing_not_active")
"""Codes of OpenAI that come with status 429 and that no waiting mends."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One attempt that failed."""

    what: str
    """The rest of a sentence that begins with the endpoint."""
    retry: bool = True
    wait_s: float | None = None
    """What the endpoint asked for."""
    throttled: bool = False
    """Whether it has too many requests."""


def refusal_of(status: int, headers: Mapping[str, str], said: str, code: str, now: datetime) -> Refusal:
    """What an HTTP status other than success means. `said` and `code` are the endpoint's own words."""
    words = one_line(said, 300)
    if status in _HOPELESS:
        return Refusal(f"{_HOPELESS[status]} (status {status}: {words})", retry=False)
    if status == 429 and code in _NO_QUOTA:
        return Refusal(f"says that the account has no quota left (status 429: {words})", retry=False)
    wait = asked_wait(headers, now)
    if status == 429 or (status == 503 and wait is not None):
        return Refusal(f"has too many requests (status {status}: {words})", wait_s=wait, throttled=True)
    if status in (408, 409) or status >= 500:
        return Refusal(f"failed (status {status}: {words})", wait_s=wait)
    return Refusal(f"refused the request (status {status}: {words})", retry=False)


def asked_wait(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds that `retry-after-ms` or `retry-after` (seconds or a date, RFC 9110 §10.2.3) ask for."""
    for name, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        text = headers.get(name, "").strip()
        digits = text.replace(".", "", 1)
        if digits.isascii() and digits.isdigit() and len(digits) <= 12:
            return float(text) * scale
    try:
        at = parsedate_to_datetime(headers.get("retry-after", ""))
        return max(0.0, (at - now).total_seconds())
    except (ValueError, TypeError):
        return None


@dataclass(slots=True)
class Patience:
    """What one request has used up of the attempts and waits it may have."""

    throttled_s: float = ASKING_SECONDS
    """That it may wait in all because there are too many requests."""
    attempts: int = 0
    failures: int = 0
    """Attempts that failed for another reason than too many requests."""
    waited_s: float = 0.0
    """Because of too many requests."""

    def next_wait(self, refusal: Refusal) -> float | None:
        """Seconds until the next attempt; None when there is none."""
        self.attempts += 1
        if not refusal.retry:
            return None
        asked = refusal.wait_s
        wait = _FIRST_WAIT_SECONDS * 2.0 ** (self.attempts - 1) if asked is None else asked
        wait = min(wait, LONGEST_WAIT_SECONDS)
        if refusal.throttled:
            self.waited_s += wait
            return wait if self.waited_s <= self.throttled_s else None
        self.failures += 1
        return wait if self.failures < ATTEMPTS else None
