"""Reads what an index is made from: a folder of documents, one of them, or a JSONL or CSV file."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from indexes.chunking import passage_ids, passages
from indexes.csv_rows import load_csv
from indexes.html import read_html
from indexes.jsonl import load_jsonl
from indexes.markdown import Text, read_markdown, read_plain
from indexes.pdf import PDF_LIMIT, read_pdf
from indexes.ready_rows import ROWS_LIMIT
from indexes.rows import Loaded, Metadata, Row, checked_row
from store.bounded import decode_text
from store.errors import InputError, MachineryError
from store.text import one_line

SUFFIXES = (".md", ".markdown", ".txt", ".html", ".htm", ".pdf")
FILE_LIMIT = 8 * 1024 * 1024
"""Bytes of one document that is no PDF."""
TOTAL_LIMIT = 1024 * 1024 * 1024
"""Bytes of all documents of one index."""
CHUNK_SMALLEST, CHUNK_LARGEST = 100, 20_000


@dataclass(frozen=True, slots=True)
class Skipped:
    """Files of a source folder that gave no passage."""

    unknown: tuple[str, ...] = ()
    """Paths in the folder, sorted, whose ending is none of SUFFIXES: they were not opened."""
    empty: tuple[str, ...] = ()
    """Documents, sorted, without any text."""

    def __len__(self) -> int:
        return len(self.unknown) + len(self.empty)


def skipped(path: Path, sources: Collection[str]) -> Skipped:
    """The files of the folder `path` that are not in `sources`, the documents that gave passages.

    Hidden files are not meant to be read and not told. Empty for a single file. Raises as `load` does.
    """
    if not path.is_dir():
        return Skipped()
    unknown: list[str] = []
    empty: list[str] = []
    for file in _walk(path):
        name = file.relative_to(path).as_posix()
        if file.suffix.lower() not in SUFFIXES:
            unknown.append(name)
        elif name not in sources:
            empty.append(name)
    return Skipped(tuple(sorted(unknown)), tuple(sorted(empty)))


def load(path: Path, *, chunk_characters: int = 600) -> Loaded:
    """The rows of `path`: a folder (recursive, sorted by path), one document, or a `.jsonl` or `.csv` file.

    Hidden files and folders are left out. Symbolic links to files inside the folder are followed,
    linked folders inside it are read where they stand. Raises InputError, naming the file, for
    links that leave the folder, files over the limits, text that is not UTF-8, and a source
    without any text; MachineryError when a file cannot be read.
    """
    if not CHUNK_SMALLEST <= chunk_characters <= CHUNK_LARGEST:
        raise InputError(
            f"passages of {chunk_characters} characters are not possible; "
            f"choose {CHUNK_SMALLEST} to {CHUNK_LARGEST}."
        )
    shown = one_line(str(path))
    if not path.exists():
        raise InputError(f"{shown} does not exist; name a folder of documents, or a .jsonl or .csv file.")
    if path.is_file() and path.suffix.lower() == ".jsonl":
        return load_jsonl(path)
    if path.is_file() and path.suffix.lower() == ".csv":
        return load_csv(path)
    if path.is_file() and path.suffix.lower() not in SUFFIXES:
        known = " ".join(SUFFIXES)
        raise InputError(f"{shown} is not read; use a folder, a .jsonl or .csv file or one of {known}.")
    root = path if path.is_dir() else path.parent
    files = _files(path) if path.is_dir() else [path]
    rows = tuple(row for file in files for row in _document(root, file, chunk_characters))
    if len(rows) > ROWS_LIMIT:
        raise InputError(f"{shown} gives over {ROWS_LIMIT:,} passages; split it into several indexes.")
    if not rows:
        raise InputError(f"{shown} holds no text in {' '.join(SUFFIXES)} files; nothing can be indexed.")
    return Loaded(rows, len({row.source for row in rows}), f"paragraphs/{chunk_characters}")


def _files(folder: Path) -> list[Path]:
    """The documents of `folder`, sorted by their path in it."""
    root = folder.resolve()
    found: list[Path] = []
    total = 0
    for file in _walk(folder):
        if file.suffix.lower() not in SUFFIXES:
            continue
        _stays_inside(file, root)
        if not file.is_file():
            raise InputError(f"{one_line(str(file))} is no regular file (a broken link?); remove it.")
        total += file.stat().st_size
        found.append(file)
    if total > TOTAL_LIMIT:
        shown = one_line(str(folder))
        raise InputError(f"{shown} holds {total:,} bytes of text; at most {TOTAL_LIMIT:,} are read.")
    return sorted(found, key=lambda file: file.relative_to(folder).as_posix())


def _walk(folder: Path) -> Iterator[Path]:
    """Every file under `folder` that is not hidden, whatever it holds."""
    root = folder.resolve()

    def unreadable(error: OSError) -> None:
        raise MachineryError(f"{one_line(str(error.filename))} cannot be read: {error.strerror}.")

    for parent, folders, names in os.walk(folder, onerror=unreadable):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in folders:
            _stays_inside(Path(parent, name), root)
        yield from (Path(parent, name) for name in names if not name.startswith("."))


def _stays_inside(path: Path, root: Path) -> None:
    if path.is_symlink() and not path.resolve().is_relative_to(root):
        shown = one_line(str(path))
        raise InputError(f"{shown} is a link that leaves the folder; copy its target in, or remove it.")


def _document(root: Path, file: Path, characters: int) -> Iterator[Row]:
    source = file.relative_to(root).as_posix()
    shown = one_line(source)
    text = _read(file, shown)
    cut = list(passages(text.blocks, characters))
    for id, passage in zip(passage_ids(source, (passage.text for passage in cut)), cut, strict=True):
        metadata: Metadata = {"source": source, "title": text.title or file.stem}
        if passage.heading:
            metadata["heading"] = passage.heading
        yield checked_row(id, passage.text, metadata, shown)


def _read(file: Path, shown: str) -> Text:
    suffix = file.suffix.lower()
    limit = PDF_LIMIT if suffix == ".pdf" else FILE_LIMIT
    try:
        size = file.stat().st_size
        if size > limit:
            raise InputError(f"{shown} has {size:,} bytes; at most {limit:,} are read. Split it.")
        data = file.read_bytes()
    except OSError as error:
        raise MachineryError(f"{shown} cannot be read: {one_line(str(error))}.") from None
    if suffix == ".pdf":
        return read_pdf(data, shown)
    if suffix in (".html", ".htm"):
        return read_html(data, shown)
    text = decode_text(data, shown, FILE_LIMIT).removeprefix("\ufeff")
    return read_plain(text) if suffix == ".txt" else read_markdown(text)
