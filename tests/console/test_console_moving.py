"""Finding one's way: filters that stay, jumps, the clipboard."""

from __future__ import annotations

import pytest

from console.widgets.table import TableView
from store.history.newest import newest
from store.workspace import Workspace
from tests.console.conftest import Opener


async def test_a_filter_is_kept_while_other_screens_are_looked_at(console: Opener) -> None:
    async with console() as it:
        await it.press("5", "slash", "type:env:production warranty", "enter", "down")
        key = it.app.screen.query_one("#operations", TableView).key
        await it.press("1", "4", "5")
        assert "3 operations" in it.text
        assert it.app.screen.query_one("#operations", TableView).key == key
        await it.press("slash", "type: tone", "escape")
        assert "3 operations" in it.text, "Esc leaves the line, not the filter"
        assert "tone" not in it.text
        await it.press("escape")
        assert "23 operations" in it.text
        await it.press("escape")
        assert "Needs you" in it.text


async def test_a_record_that_a_filter_hides_is_still_gone_to(console: Opener) -> None:
    async with console() as it:
        await it.press("5", "slash", "type:warranty", "enter", "1")
        it.app.screen.query_one("#needs", TableView).focus()
        await it.press("enter")
        assert "23 operations" in it.text
        assert "▸ 07 Mar 15:20" in it.text


async def test_a_record_that_is_not_loaded_yet_is_loaded_and_gone_to(
    console: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.screens.history.PAGE", 5)
    async with console(size=(80, 24)) as it:
        it.app.screen.query_one("#recent", TableView).focus()
        await it.press("end", "enter")
        assert "▸ 02 Mar 09:00" in it.text
        assert "Made the workspace" in it.text


async def test_g_and_a_letter_opens_a_screen(console: Opener) -> None:
    async with console() as it:
        for letter, words in (("h", "23 operations"), ("i", "index/handbook"), ("s", "Pick versions")):
            await it.press("g")
            assert "go to   o Overview" in it.text
            await it.press(letter)
            assert words in it.text
        for other in ("x", "escape"):
            await it.press("g", other)
            assert "Pick versions" in it.text
            assert not it.app.screen.is_modal
        await it.press("g", "o")
        assert "Needs you" in it.text


async def test_y_copies_what_is_selected_and_says_it(workspace: Workspace, console: Opener) -> None:
    async with console() as it:
        for keys, id in (
            (("y",), "r3"),
            (("down", "down", "y"), "prompt/support@v1"),
            (("enter", "y"), "prompt/support@v3"),
            (("escape", "4", "y"), "index/handbook@v2"),
            (("5", "y"), newest(workspace.store, 1)[0].id),
            (("2", "y"), "app/api@v1"),
        ):
            await it.press(*keys)
            assert it.app.clipboard == id
            assert id in it.text, "not every terminal takes it: it is shown too"
        await it.press("o", "y")
        assert it.app.clipboard.startswith("lockgate stage --set")
