"""What every embedder is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from store.progress import Report, Stop
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


@runtime_checkable
class Waiting(Protocol):
    """An embedder that may have to wait for somebody else's server."""

    def attend(self, report: Report, stop: Stop) -> None:
        """From now on tells `report` of its waits, and gives them up (Cancelled) when `stop` says so."""
        ...


@dataclass(frozen=True, slots=True)
class EndpointAccess:
    """Where an embedding endpoint is, and the key for it."""

    base_url: str | None
    """None is the provider's own."""
    api_key: str = field(repr=False)
