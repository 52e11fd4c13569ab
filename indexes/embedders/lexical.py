"""Signed feature hashing (Weinberger et al. 2009, arXiv:0902.2206): words and their trigrams, no weights.

For tests and machines without a model. Counts are whole numbers, so that the vectors are the same
on every processor.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from store.records.versions import EmbedderIdentity

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

_DIMENSION = 384
_WORD_WEIGHT, _TRIGRAM_WEIGHT = 3, 1
_WORD = re.compile(r"\w+")


class Lexical:
    """See the module. Texts with the same words are near, whatever they mean."""

    @property
    def identity(self) -> EmbedderIdentity:
        """`lexical`, without weights."""
        return EmbedderIdentity(name="lexical", dimension=_DIMENSION)

    def embed(self, texts: Sequence[str]) -> NDArray[float32]:
        """(n, 384) unit vectors."""
        import numpy

        counts = numpy.zeros((len(texts), _DIMENSION), dtype=numpy.int64)
        for row, text in zip(counts, texts, strict=True):
            for place, weight in _features(text):
                row[place] += weight
            if not row.any():
                row[_place(text)[0]] = 1  # no words, or words that cancel out: still a direction of its own
        lengths = numpy.sqrt((counts * counts).sum(axis=1, keepdims=True).astype(numpy.float64))
        vectors: NDArray[float32] = (counts / lengths).astype(numpy.float32)
        return vectors


def _features(text: str) -> Iterator[tuple[int, int]]:
    for word in _WORD.findall(unicodedata.normalize("NFKC", text).casefold()):
        yield from _word_features(word)


@lru_cache(maxsize=50_000)
def _word_features(word: str) -> tuple[tuple[int, int], ...]:
    padded = f"<{word}>"
    trigrams = (padded[at : at + 3] for at in range(len(padded) - 2))
    weighted = [(word, _WORD_WEIGHT), *((f"3:{trigram}", _TRIGRAM_WEIGHT) for trigram in trigrams)]
    places = ((_place(feature), weight) for feature, weight in weighted)
    return tuple((place, sign * weight) for (place, sign), weight in places)


def _place(feature: str) -> tuple[int, int]:
    """Where a feature counts, and whether up or down."""
    hash = int.from_bytes(hashlib.blake2b(feature.encode(errors="replace"), digest_size=8).digest(), "big")
    return (hash >> 1) % _DIMENSION, 1 if hash & 1 else -1
