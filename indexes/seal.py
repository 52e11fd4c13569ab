"""manifest.json: what a sealed folder says of itself.

It holds nothing but what follows from the sealed bytes, in canonical form with a check sum of its
own, so that the manifest in git gives its exact bytes and one flipped bit in it shows.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from store.bounded import parse_json, validate
from store.canonical import canonical_json, digest_of
from store.errors import InputError, MachineryError
from store.records.base import Digest, Strict
from store.records.versions import EmbedderIdentity, IndexManifest, SealedFile
from store.text import one_line

MANIFEST = "manifest.json"


class Seal(Strict):
    """The self-description of a sealed folder."""

    format: Literal["lockgate.seal/1"] = "lockgate.seal/1"
    digest: Digest
    """The content digest of the rows and vectors inside."""
    passages: int
    documents: int
    space: Literal["l2"] = "l2"
    embedder: EmbedderIdentity
    chroma: str
    """The chromadb version that wrote chroma/."""
    files: tuple[SealedFile, ...]
    """Every file but manifest.json, sorted by path."""

    @classmethod
    def of(cls, manifest: IndexManifest) -> Seal:
        """The seal of the folder that was built for `manifest`."""
        return cls(
            digest=manifest.digest,
            passages=manifest.passages,
            documents=manifest.documents,
            embedder=manifest.embedder,
            chroma=manifest.chroma,
            files=manifest.files,
        )

    def to_bytes(self) -> bytes:
        """The bytes of manifest.json."""
        content = self.model_dump(mode="json")
        return canonical_json({**content, "check": digest_of(content)}) + b"\n"


def read_seal(sealed: Path) -> Seal:
    """The seal of a folder. Raises MachineryError when it is missing or damaged."""
    path = sealed / MANIFEST
    try:
        data = path.read_bytes()
        value = parse_json(data, MANIFEST)
        value.pop("check", None)
        seal = validate(Seal, value, MANIFEST)
    except (OSError, InputError, AttributeError) as error:
        raise MachineryError(f"{path} is damaged: {one_line(str(error))}; restore it from a copy.") from None
    if seal.to_bytes() != data:
        raise MachineryError(f"{path} is damaged: its check sum is wrong; restore it from a copy.")
    return seal
