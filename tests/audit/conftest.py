"""Fixtures of the commands that are wanted here too."""

from __future__ import annotations

from tests.commands.conftest import lockgate

__all__ = ["lockgate"]
