"""The command palette: every action by name, from wherever you are."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider

from console.actions import MODES, of
from console.widgets.content import literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from console.app import LockgateApp

_TOLD_OF = 0.001
"""Below what any match of a name scores."""


class Actions(Provider):
    """The registry as palette entries. What is chosen runs on the screen it belongs to."""

    async def search(self, query: str) -> Hits:
        """Entries whose name matches, before those that only tell of it."""
        matcher = self.matcher(query)
        told = query.strip().casefold()
        for name, about, run in self._all():
            score = matcher.match(name)
            if score > 0:
                yield Hit(score, matcher.highlight(name), run, text=name, help=about)
            elif told in about.casefold():
                yield Hit(_TOLD_OF, literal(name), run, text=name, help=about)

    async def discover(self) -> Hits:
        """All entries."""
        for name, about, run in self._all():
            yield DiscoveryHit(literal(name), run, text=name, help=about)

    def _all(self) -> Iterator[tuple[str, str, Callable[[], object]]]:
        app = cast("LockgateApp", self.app)
        for mode in MODES:
            yield f"{mode.title} ({mode.key})", mode.about, partial(app.action_go, mode.id)
            for one in of(mode.id, app.session.readonly):
                name = f"{mode.title}: {one.label} ({one.key_text})"
                yield name, one.about, partial(app.act_on, mode.id, one.id)
        yield "Help (?)", "every key", app.action_help
        yield "Change theme", "between dark and light", app.action_next_theme
        yield "Quit (q)", "leave the console", app.action_leave
