"""Where a depot is: a folder, or any address that fsspec opens. Secrets do not belong into it."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from store.errors import InputError, MachineryError
from store.text import one_line

_SECRETS = ("key", "secret", "token", "password", "passphrase", "credential")
_PACKAGES = {"s3": "s3fs", "s3a": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "abfs": "adlfs", "az": "adlfs"}


def refusal(url: str, options: Mapping[str, object]) -> str | None:
    """Why settings.toml may not name that address, in words; None where it may."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return f"{one_line(url, 80)} is no address"
    if not parts.scheme or "://" not in url:
        return f"{one_line(url, 80)} is no address: write file:///folder, s3://bucket/folder or the like"
    if parts.username is not None or parts.password is not None:
        return "it holds a name or password: let the environment give those (AWS_ACCESS_KEY_ID, …)"
    if parts.scheme == "file" and not url.removeprefix("file://").startswith("/"):
        return f"{one_line(url, 80)} is no absolute path"
    if "::" in url:
        return "chained addresses (::) are not opened"
    secret = next((name for name in options if any(word in name.lower() for word in _SECRETS)), None)
    if secret is not None:
        return f"its option {one_line(secret, 40)} looks like a secret: let the environment give that"
    return None


def protocol_of(url: str) -> str:
    """The scheme of an address that `refusal` lets."""
    return url.partition("://")[0]


def missing_package(protocol: str) -> InputError | MachineryError:
    """What to say where fsspec cannot open addresses of `protocol`."""
    package = _PACKAGES.get(protocol)
    if package is None:
        return InputError(f"indexes_url: nothing here opens {one_line(protocol, 20)}:// addresses.")
    extra = "lockgate[s3]" if package == "s3fs" else package
    return MachineryError(f"{protocol}:// addresses need the package {package}: `pip install '{extra}'`.")
