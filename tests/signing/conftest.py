"""No author of the surroundings plays a part."""

from __future__ import annotations

import pytest

from tests.commands.conftest import lockgate

__all__ = ["lockgate"]


@pytest.fixture(autouse=True)
def nobody_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOCKGATE_AUTHOR", raising=False)
    monkeypatch.delenv("LOCKGATE_WORKSPACE", raising=False)
