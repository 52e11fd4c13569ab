"""Chroma's own default embedder (ONNXMiniLM_L6_V2), for indexes that already use it. Downloads nothing."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from indexes.disk import sha256_of
from indexes.embedders.unit import unit
from store.errors import MachineryError
from store.records.versions import EmbedderIdentity

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

_DIMENSION = 384
_FILES = (
    "config.json",
    "model.onnx",
    "special_tokens_map.json",
    "tokenizer_config.json",
    "tokenizer.json",
    "vocab.txt",
)
"""All of them must be there, or Chroma goes and downloads the lot."""


class ChromaDefault:
    """See the module."""

    @property
    def identity(self) -> EmbedderIdentity:
        """`chroma-default` with the hash of its weights. Raises MachineryError when they are not here."""
        weights = _weights(_folder() / "model.onnx")
        return EmbedderIdentity(name="chroma-default", weights=f"sha256:{weights}", dimension=_DIMENSION)

    def embed(self, texts: Sequence[str]) -> NDArray[float32]:
        """(n, 384) unit vectors. Raises MachineryError when the weights are not here."""
        import numpy

        _folder()
        if not texts:
            return numpy.empty((0, _DIMENSION), dtype=numpy.float32)
        return unit(numpy.asarray(_function()(list(texts)), dtype=numpy.float32))


def _folder() -> Path:
    from chromadb.utils.embedding_functions.onnx_mini_lm_l6_v2 import ONNXMiniLM_L6_V2

    folder = Path(ONNXMiniLM_L6_V2.DOWNLOAD_PATH, ONNXMiniLM_L6_V2.EXTRACTED_FOLDER_NAME)
    missing = [name for name in _FILES if not (folder / name).is_file()]
    if missing:
        raise MachineryError(
            f"chroma-default would have to download its weights ({missing[0]} is not in {folder}); "
            "put them there, or choose minilm."
        )
    return folder


@lru_cache(maxsize=4)
def _weights(path: Path) -> str:
    return sha256_of(path)


@lru_cache(maxsize=1)
def _function() -> Any:
    from chromadb.utils.embedding_functions.onnx_mini_lm_l6_v2 import ONNXMiniLM_L6_V2

    return ONNXMiniLM_L6_V2(preferred_providers=["CPUExecutionProvider"])
