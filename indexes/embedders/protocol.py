"""What every embedder is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from store.records.versions import EmbedderIdentity

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray


class Embedder(Protocol):
    """Turns texts into unit vectors. A text gives the same vector whatever is embedded with it."""

    @property
    def identity(self) -> EmbedderIdentity:
        """Which embedder this is. An endpoint is asked for its dimension first (MachineryError)."""
        ...

    def embed(self, texts: Sequence[str]) -> NDArray[float32]:
        """(n, d) float32, each row of unit length. Raises MachineryError when it cannot."""
        ...


@dataclass(frozen=True, slots=True)
class EndpointAccess:
    """Where an embedding endpoint is, and the key for it."""

    base_url: str | None
    """None is the provider's own."""
    api_key: str = field(repr=False)
