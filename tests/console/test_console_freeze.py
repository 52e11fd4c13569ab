"""Freezing an environment from the Overview."""

from __future__ import annotations

import pytest

from store.workspace import Workspace
from tests.console.album import Album
from tests.console.conftest import Opener
from tests.console.test_console_retrieval import SIZES, Size


@pytest.fixture(autouse=True)
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """No cursor blinks."""
    monkeypatch.setattr("textual.widgets.Input._toggle_cursor", lambda _: None)


@SIZES
async def test_an_environment_is_frozen_and_thawed(size: Size, console: Opener, workspace: Workspace) -> None:
    album = Album(f"{size[0]}x{size[1]}", tones=size == (80, 24))
    async with console(size=size) as it:
        await it.press("right")  # from staging to production
        await it.press("Z")
        assert "production is not frozen." in it.text
        it.app.clear_notifications()
        await it.press("z")
        album.take(it, "freeze-until")
        await it.press("type:3d", "enter", "type:the fair")
        album.take(it, "freeze-plan")
        await it.press("enter")
        it.app.clear_notifications()
        await it.settle()
        album.take(it, "frozen")
        (freeze,) = workspace.store.at().environment("production").freezes
        assert freeze.reason == "the fair"
        await it.press("Z", "type:called off", "enter")
        assert workspace.store.at().environment("production").freezes == ()
    album.settle()
