"""Finds what looks like a key, so that none is committed. Shapes of today's keys, all linear."""

from __future__ import annotations

import re
from dataclasses import dataclass

_SHAPES: tuple[tuple[str, str], ...] = (
    ("an Anthropic key", r"\bsk-ant-[A-Za-z0-9_-]{16,}"),
    ("an OpenAI project key", r"\bsk-(?:proj|svcacct|admin)-[A-Za-z0-9_-]{16,}"),
    ("an OpenRouter key", r"\bsk-or-[A-Za-z0-9_-]{16,}"),
    ("an OpenAI key", r"\bsk-[A-Za-z0-9]{20,}"),
    ("a GitHub token", r"\b(?:gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{30,})"),
    ("a GitLab token", r"\bglpat-[A-Za-z0-9_-]{20,}"),
    ("an AWS access key id", r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    ("a Hugging Face token", r"\bhf_[A-Za-z0-9]{20,}"),
    ("a Slack token", r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}"),
    ("a Google key", r"\bAIza[A-Za-z0-9_-]{35}"),
    ("a Stripe key", r"\b[rs]k_live_[A-Za-z0-9]{16,}"),
    ("a private key", r"-----BEGIN (?:[A-Z]{2,10} )?(?:[A-Z]{2,10} )?PRIVATE KEY(?: BLOCK)?-----"),
    ("a JSON web token", r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"),
    ("a password in an address", r"\b[a-z][a-z0-9+]{1,20}://[^\s/@:]{1,64}:[^\s/@]{3,128}@"),
)
_PATTERNS = tuple((what, re.compile(shape)) for what, shape in _SHAPES)


@dataclass(frozen=True, slots=True)
class Secret:
    """Something that looks like a key. The text itself is not kept."""

    what: str
    line: int


def find_secrets(text: str) -> tuple[Secret, ...]:
    """Likely keys in `text`, by line, each line's kinds once."""
    found: list[Secret] = []
    taken: set[int] = set()
    for what, pattern in _PATTERNS:
        for match in pattern.finditer(text):
            if match.start() not in taken:
                taken.add(match.start())
                found.append(Secret(what, text.count("\n", 0, match.start()) + 1))
    return tuple(sorted(set(found), key=lambda one: (one.line, one.what)))


def redact_secrets(text: str) -> str:
    """`text` with everything that looks like a key replaced by […]."""
    for _, pattern in _PATTERNS:
        text = pattern.sub("[…]", text)
    return text
