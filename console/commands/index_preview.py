"""What `lockgate add index --preview` prints."""

from __future__ import annotations

from pathlib import Path

from console.commands.output import check_line, print_json, progress, say
from console.operations.counted import counted


def show_preview(name: str, source: Path, count: int, chunk_characters: int, as_json: bool) -> int:
    """The first `count` passages of `source` and how long all are; returns the exit code."""
    from console.operations.add.index import skipped_check
    from console.operations.add.index_preview import preview

    found = preview(name, source, count, chunk_characters=chunk_characters, report=progress)
    if as_json:
        print_json(found.as_json())
        return 0
    for row in found.first:
        say(f"{row.id}  {counted(len(row.document), 'character')}")
        facts = ", ".join(f"{key}={value}" for key, value in sorted(row.metadata.items()) if key != "source")
        if facts:
            say(f"  {facts}")
        say("\n".join(f"  {line}" for line in row.document.splitlines()) + "\n")
    size = f"{counted(found.documents, 'document')}, {counted(found.passages, 'passage')}"
    lengths = f"{found.shortest:,} to {found.longest:,} characters, half of them up to {found.median:,}"
    say(f"{size} of {lengths}. Nothing was embedded or written.")
    for check in skipped_check(found.skipped):
        say(check_line(check))
    return 0
