"""What the Indexes screen shows of pins, marks and archives."""

from __future__ import annotations

from console.operations.apply import apply
from console.operations.index import archive, pin, unpin
from console.views.indexes import detail_lines, indexes_table
from console.views.line import text_of
from console.views.world import look
from store.records.component import Pin
from tests.retention.keeping_world import HANDBOOK, World


def shown(world: World, version: str) -> tuple[str, str]:
    """The version's row, and the line of where it stands."""
    seen = look(world.workspace)
    key = str(Pin(HANDBOOK, version))
    row = next(one for one in indexes_table(seen).rows if one.key == key)
    return " ".join(map(text_of, row.cells)), text_of(detail_lines(seen, Pin(HANDBOOK, version))[1])


def test_each_phase_is_told_with_what_can_be_done(world: World) -> None:
    row, standing = shown(world, "v1")
    assert "rollback ready" in row and standing.startswith("ready for ")
    world.sweep()
    world.wait(24 * 8)
    assert "still sealed here" in shown(world, "v1")[1]
    world.sweep()
    assert "archived within days" in shown(world, "v1")[1]
    world.wait(25)
    world.sweep()
    row, standing = shown(world, "v1")
    assert "archived" in row and "u unpacks it, 0.0 MB" in standing
    row, standing = shown(world, "v2")
    assert "kept" in row and "production can go back to it" in standing


def test_pins_and_archives_of_what_never_served_are_told(world: World) -> None:
    fresh = world.add(7)
    apply(world.workspace, pin.plan(world.workspace, "handbook@v1", "audit [red]of March"))
    row, standing = shown(world, "v1")
    assert "pinned" in row and standing.startswith("ready for") and "audit [red]of March" in standing
    apply(world.workspace, pin.plan(world.workspace, f"handbook@{fresh}", "for May"))
    assert shown(world, fresh)[1].endswith(": for May")
    apply(world.workspace, unpin.plan(world.workspace, f"handbook@{fresh}"))
    world.wait(24 * 8)
    assert "audit [red]of March" in shown(world, "v1")[1]
    assert shown(world, fresh)[1] == "never served"
    apply(world.workspace, archive.plan(world.workspace, f"handbook@{fresh}"), "never used")
    assert "never served; archived, u unpacks it" in shown(world, fresh)[1]
