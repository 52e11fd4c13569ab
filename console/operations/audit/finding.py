"""What an audit finds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong."""

    commit: str
    """40 hex."""
    what: str
    """unsigned, changed, expired, …"""
    why: str
    """One sentence without its full stop."""
