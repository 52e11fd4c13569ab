"""Embedders by name: text in, unit vectors out, with an identity that index manifests keep."""

from indexes.embedders.choose import CHOICES, get_embedder
from indexes.embedders.protocol import Embedder, EndpointAccess, Waiting

__all__ = ["CHOICES", "Embedder", "EndpointAccess", "Waiting", "get_embedder"]
