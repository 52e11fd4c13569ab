"""The console's title says how this machine stands to the others."""

from __future__ import annotations

from console.app import LockgateApp
from console.demo.picture import screen_text, settled
from console.operations import note
from console.operations.apply import apply
from console.operations.sync.sync import sync
from store.history.newest import newest
from tests.remote.conftest import Pair
from tests.remote.hubs import away


async def test_the_title_follows_the_remote(pair: Pair) -> None:
    sync(pair.ana)
    app = LockgateApp(pair.ana)
    async with app.run_test(size=(110, 30)) as pilot:
        await settled(pilot)
        assert "synced" in screen_text(app).splitlines()[0]
        with away(pair.hub):
            apply(pair.ana, note.plan(pair.ana, newest(pair.ana.store, 1)[0].id, "offline"))
            app._poll()  # what the clock does each second
            await settled(pilot)
            title = screen_text(app).splitlines()[0]
            assert "remote unreachable since" in title and "1 not pushed" in title
        sync(pair.ana)
        app._poll()
        await settled(pilot)
        title = screen_text(app).splitlines()[0]
        assert "not pushed" not in title and "synced" in title


async def test_a_workspace_of_its_own_says_nothing_of_remotes(pair: Pair) -> None:
    settings = pair.ana.root / "settings.toml"

    alone = "\n".join(one for one in settings.read_text().splitlines() if not one.startswith("remote"))
    settings.write_text(alone + "\n")
    app = LockgateApp(type(pair.ana)(pair.ana.root, clock=pair.ana.clock))
    async with app.run_test(size=(110, 30)) as pilot:
        await settled(pilot)
        title = screen_text(app).splitlines()[0]
        assert "main " in title and "synced" not in title and "remote" not in title
