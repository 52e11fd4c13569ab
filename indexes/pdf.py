"""The text of a PDF document, read with pypdf within limits of pages and characters."""

from __future__ import annotations

import io
import logging
import re
from typing import TYPE_CHECKING

from indexes.chunking import Block
from indexes.markdown import Text
from store.errors import InputError
from store.text import one_line

if TYPE_CHECKING:
    from pypdf import PdfReader

PDF_LIMIT = 64 * 1024 * 1024
"""Bytes of one PDF document."""
PAGES_LIMIT = 2000
CHARACTERS_LIMIT = 8 * 1024 * 1024
"""Of the text of one PDF document: a small file can unpack to any size."""
_TITLE_LIMIT = 200
_PARAGRAPHS = re.compile(r"\n[ \t]*\n")


def read_pdf(data: bytes, where: str) -> Text:
    """The title that the document gives itself, and its paragraphs page by page; scanned pages have none.

    Raises InputError naming `where` when it is encrypted, damaged, or over the limits.
    """
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # what it makes do with is not for the screen
    try:
        reader = _opened(data, where)
        blocks = _blocks(reader, where)
        title = _title(reader)
    except InputError:
        raise
    except MemoryError:
        raise InputError(f"{where} is a PDF that takes too much memory; leave it out.") from None
    except Exception as error:  # foreign bytes make pypdf raise nearly everything, RecursionError too
        reason = one_line(str(error), 120) or type(error).__name__
        raise InputError(
            f"{where} is a damaged PDF ({reason}); save it again with another program or leave it out."
        ) from None
    return Text(title, tuple(blocks))


def _opened(data: bytes, where: str) -> PdfReader:
    from pypdf import PdfReader

    reader = PdfReader(io.BytesIO(data))
    if reader.is_encrypted and not _decrypted(reader):
        raise InputError(f"{where} is encrypted; save it without a password or leave it out.")
    if len(reader.pages) > PAGES_LIMIT:
        raise InputError(
            f"{where} has {len(reader.pages):,} pages; at most {PAGES_LIMIT:,} are read. Split it."
        )
    return reader


def _blocks(reader: PdfReader, where: str) -> list[Block]:
    blocks: list[Block] = []
    characters = 0
    for page in reader.pages:
        text = page.extract_text().encode(errors="replace").decode().replace("\0", "")
        characters += len(text)
        if characters > CHARACTERS_LIMIT:
            raise InputError(f"{where} unpacks to over {CHARACTERS_LIMIT:,} characters of text; split it.")
        blocks.extend(Block(part) for part in _PARAGRAPHS.split(text) if part.strip())
    return blocks


def _title(reader: PdfReader) -> str:
    found = reader.metadata.title if reader.metadata else None
    text = found.encode(errors="replace").decode() if isinstance(found, str) else ""
    return " ".join(text.split())[:_TITLE_LIMIT]


def _decrypted(reader: PdfReader) -> bool:
    """Whether everybody may read it, for whom only printing or copying is forbidden."""
    from pypdf import PasswordType
    from pypdf.errors import DependencyError

    try:
        return reader.decrypt("") is not PasswordType.NOT_DECRYPTED
    except DependencyError:  # AES, which pypdf leaves to another package
        return False
