"""Unit length, computed so that what is there already stays as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

_UNIT = 1e-6
"""A vector this near to unit length is kept bit for bit."""


def unit(vectors: NDArray[float32]) -> NDArray[float32]:
    """Each row (the last axis) at unit length, through float64; rows of zeros stay."""
    import numpy

    wide = vectors.astype(numpy.float64)
    lengths = numpy.sqrt((wide * wide).sum(axis=-1, keepdims=True))
    scaled = (wide / numpy.where(lengths > 0, lengths, 1)).astype(numpy.float32)
    return numpy.where(numpy.abs(lengths - 1) < _UNIT, vectors, scaled)
