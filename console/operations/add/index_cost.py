"""What embedding with somebody else's server would cost, told before it is asked for anything."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any

from console.operations.counted import counted
from store.records.versions import IndexManifest
from store.settings import Price
from store.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from indexes.embedders import Embedder
    from indexes.kept_vectors import KeptVectors
    from indexes.rows import Row
    from indexes.vectors import Parent

_CHARACTERS_A_TOKEN = 4
"""Of English text, roughly."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Of embedding some texts with an endpoint, roughly."""

    texts: int
    tokens: int
    requests: int
    usd: float | None
    """US dollars; None where settings.toml has no price for the embedder."""

    def __str__(self) -> str:
        """ "about 1,200 tokens in 3 requests, about $0.0002"."""
        said = f"about {self.tokens:,} tokens in {counted(self.requests, 'request')}"
        if self.usd is None:
            return said
        return f"{said}, about ${self.usd:,.2f}" if self.usd >= 1 else f"{said}, about ${self.usd:.4f}"

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return {"tokens": self.tokens, "requests": self.requests, "usd": self.usd}


def cost_of(texts: list[str], price: Price | None) -> Cost:
    """What embedding `texts` takes. `price.input` is for a million tokens."""
    from indexes.embedders.endpoint import batches
    from indexes.vectors import BATCH

    tokens = ceil(sum(map(len, texts)) / _CHARACTERS_A_TOKEN)
    builds = (texts[at : at + BATCH] for at in range(0, len(texts), BATCH))
    requests = sum(1 for part in builds for _ in batches(part))
    usd = None if price is None else tokens * price.input / 1_000_000
    return Cost(len(texts), tokens, requests, usd)


def is_remote(embedder: str) -> bool:
    """Whether using the embedder of that name is a request to somebody else's server."""
    return embedder.startswith("openai:")


def still_to_embed(
    workspace: Workspace,
    name: str,
    rows: Sequence[Row],
    before: IndexManifest | None,
    embedder_name: str,
    embedder: Embedder,
) -> tuple[Parent, list[Row]]:
    """The parent, and a row for each text whose vector is nowhere yet. No endpoint is asked.

    Raises MachineryError when the parent is not on this machine.
    """
    from indexes.vectors import texts_to_embed

    lender = _lender(workspace, name, before)
    kept = _kept(workspace, name, embedder_name, embedder)
    return lender, [rows[places[0]] for places in texts_to_embed(rows, lender, kept).values()]


def _lender(workspace: Workspace, name: str, before: IndexManifest | None) -> Parent:
    from indexes.sealed import sealed_path, trusted_files
    from indexes.vectors import Parent, read_parent

    if before is None:
        return Parent()
    sealed = sealed_path(workspace.indexes, name, before.digest)
    trusted_files(sealed, name, before)
    return read_parent(sealed, before.embedder, before.embedder)


def _kept(workspace: Workspace, name: str, embedder_name: str, embedder: Embedder) -> KeptVectors | None:
    """What a build that did not end left; an endpoint is not asked for its dimension."""
    from indexes.kept_vectors import KeptVectors

    folder = workspace.indexes / name
    if is_remote(embedder_name):
        return KeptVectors.of(folder, embedder_name, None)
    return KeptVectors(folder, embedder.identity)
