"""Finds an embedder by the name that people write."""

from __future__ import annotations

from indexes.embedders.protocol import Embedder, EndpointAccess
from store.errors import InputError
from store.text import one_line

CHOICES = ("minilm", "openai:<model>", "chroma-default", "lexical")


def get_embedder(name: str, *, endpoint: EndpointAccess | None = None) -> Embedder:
    """The embedder called `name`; nothing is loaded before it is used.

    `endpoint` is needed by `openai:<model>` alone. Raises InputError for an unknown name.
    """
    if name == "minilm":
        from indexes.embedders.minilm import MiniLM

        return MiniLM()
    if name == "lexical":
        from indexes.embedders.lexical import Lexical

        return Lexical()
    if name == "chroma-default":
        from indexes.embedders.chroma_default import ChromaDefault

        return ChromaDefault()
    kind, _, model = name.partition(":")
    if kind == "openai" and model.strip():
        from indexes.embedders.endpoint import Endpoint

        if endpoint is None:
            raise InputError(f"{one_line(name)} needs an endpoint and a key; see [keys] in settings.toml.")
        return Endpoint(model.strip(), endpoint)
    raise InputError(f"there is no embedder {one_line(name, 60)!r}; choose one of {', '.join(CHOICES)}.")
