"""The version of Lockgate that is running."""

from __future__ import annotations


def version() -> str:
    """For example 0.1.0; `unknown` when it runs from a folder that was never installed."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        return installed("lockgate")
    except PackageNotFoundError:
        return "unknown"
