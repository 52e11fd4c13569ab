"""Small sources, embedders that count, and sealed indexes for the tests of indexes/."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from indexes.build import build
from indexes.embedders import Embedder, get_embedder
from indexes.seal import read_seal
from indexes.sealed import sealed_path
from store.records.versions import EmbedderIdentity, IndexManifest

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
NAME = "handbook"
_WORDS = (
    "refund order parcel invoice courier address voucher password account delivery return warranty",
    "battery charger screen cable monday holiday manager discount price stock shelf box label",
)


@dataclass(frozen=True)
class Built:
    """A home with one sealed index."""

    home: Path
    manifest: IndexManifest

    @property
    def sealed(self) -> Path:
        return sealed_path(self.home, NAME, self.manifest.digest)


class Counting:
    """The lexical embedder, remembering what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._inner = get_embedder("lexical")

    @property
    def identity(self) -> EmbedderIdentity:
        return self._inner.identity

    def embed(self, texts: Sequence[str]) -> Any:
        self.asked += texts
        return self._inner.embed(texts)


def sentence(seed: int, words: int = 14) -> str:
    chosen = random.Random(seed).choices(" ".join(_WORDS).split(), k=words)
    return f"{' '.join(chosen)} number {seed}."


def write_folder(folder: Path, documents: int = 6) -> Path:
    """A folder of Markdown documents with two sections each."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(documents):
        text = f"# Document {number}\n\n{sentence(number)}\n\n## Details\n\n{sentence(100 + number)}\n"
        (folder / f"doc{number}.md").write_text(text)
    return folder


def write_rows(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    """A JSONL file of `rows`."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def numbered_rows(count: int, mark: str = "") -> list[dict[str, Any]]:
    """Rows whose text differs with `mark`."""
    return [{"id": f"row{n:04d}", "document": f"{mark} {sentence(n)}".strip()} for n in range(count)]


def build_here(home: Path, source: Path, embedder: Embedder | None = None, **more: Any) -> IndexManifest:
    """`build` of NAME with the lexical embedder."""
    return build(home, NAME, source, embedder=embedder or get_embedder("lexical"), now=NOW, **more)


def manifest_of(sealed: Path) -> IndexManifest:
    """The manifest that a sealed folder gives for itself."""
    seal = read_seal(sealed)
    return IndexManifest(
        digest=seal.digest,
        passages=seal.passages,
        documents=seal.documents,
        embedder=seal.embedder,
        chroma=seal.chroma,
        built_at=NOW,
        files=seal.files,
    )


def left_in_tmp(home: Path) -> list[str]:
    """What is in the scratch folder of NAME."""
    tmp = home / NAME / "tmp"
    return sorted(path.name for path in tmp.iterdir()) if tmp.is_dir() else []
