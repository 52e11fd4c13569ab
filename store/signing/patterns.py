"""Lists of patterns as OpenSSH has them (ssh_config(5), PATTERNS): `*`, `?`, commas, and `!` for never."""

from __future__ import annotations


def matches(text: str, patterns: str) -> bool:
    """Whether `text` matches one of `patterns` and none that begins with `!`."""
    wanted = False
    for pattern in patterns.split(","):
        if pattern.startswith("!"):
            if _matches(text, pattern[1:]):
                return False
        elif pattern:
            wanted = wanted or _matches(text, pattern)
    return wanted


def _matches(text: str, pattern: str) -> bool:
    """Goes back to the last `*` only, so that it takes at most len(text) x len(pattern) steps."""
    at = here = 0
    star, behind = -1, 0
    while at < len(text):
        if here < len(pattern) and pattern[here] == "*":
            star, behind = here, at
            here += 1
        elif here < len(pattern) and pattern[here] in ("?", text[at]):
            at, here = at + 1, here + 1
        elif star >= 0:
            behind += 1
            at, here = behind, star + 1
        else:
            return False
    return not pattern[here:].strip("*")
