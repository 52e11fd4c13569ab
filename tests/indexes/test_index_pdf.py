from __future__ import annotations

import logging
import random
import subprocess
import sys
from pathlib import Path

import pytest
from making_pdfs import encrypted, pdf

from indexes import pdf as module
from indexes.loaders import load, skipped
from indexes.pdf import read_pdf
from store.errors import InputError

TWO_PAGES = pdf([["Goods come back", "within 30 days."], ["A parcel takes three days."]], "Terms of 2026")


def test_a_pdf_is_a_document_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "terms.PDF").write_bytes(TWO_PAGES)
    (tmp_path / "untitled.pdf").write_bytes(pdf([["Only this."]]))
    (tmp_path / "scanned.pdf").write_bytes(pdf([[]]))
    loaded = load(tmp_path)
    texts = {row.source: row.document for row in loaded.rows}
    assert texts == {
        "terms.PDF": "Goods come back\nwithin 30 days.\n\nA parcel takes three days.",
        "untitled.pdf": "Only this.",
    }
    assert [row.metadata["title"] for row in loaded.rows] == ["Terms of 2026", "untitled"]
    assert skipped(tmp_path, set(texts)).empty == ("scanned.pdf",)
    assert load(tmp_path / "untitled.pdf").documents == 1


def test_an_encrypted_one_is_one_sentence_unless_everybody_can_read_it() -> None:
    assert read_pdf(encrypted(TWO_PAGES, ""), "x.pdf").title == "Terms of 2026"
    with pytest.raises(InputError) as caught:
        read_pdf(encrypted(TWO_PAGES, "secret"), "x.pdf")
    assert caught.value.message == "x.pdf is encrypted; save it without a password or leave it out."


@pytest.mark.parametrize("data", [b"", b"%PDF-1.4\n", b"\x00" * 100, b"not a pdf", TWO_PAGES[:200]])
def test_a_broken_one_is_one_sentence(data: bytes) -> None:
    with pytest.raises(InputError, match=r"x\.pdf is a damaged PDF .*or leave it out") as caught:
        read_pdf(data, "x.pdf")
    assert "\n" not in caught.value.message


def test_whatever_is_wrong_with_it_words_or_one_sentence(caplog: pytest.LogCaptureFixture) -> None:
    chance = random.Random(7)
    refused = 0
    for _ in range(150):
        data = bytearray(TWO_PAGES)
        for _ in range(chance.randint(1, 12)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        try:
            text = read_pdf(bytes(data[: chance.randint(len(data) // 2, len(data))]), "x.pdf")
            assert all(block.text.strip() for block in text.blocks)
        except InputError as error:
            refused += 1
            assert error.message.startswith("x.pdf ") and "\n" not in error.message
    assert refused > 10
    assert [record for record in caplog.records if record.levelno < logging.CRITICAL] == []


def test_pages_bytes_and_characters_are_bounded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module, "PAGES_LIMIT", 1)
    with pytest.raises(InputError, match=r"x\.pdf has 2 pages; at most 1"):
        read_pdf(TWO_PAGES, "x.pdf")
    monkeypatch.setattr(module, "PAGES_LIMIT", 5)
    monkeypatch.setattr(module, "CHARACTERS_LIMIT", 30)
    with pytest.raises(InputError, match=r"x\.pdf unpacks to over 30 characters"):
        read_pdf(TWO_PAGES, "x.pdf")
    monkeypatch.setattr("indexes.loaders.PDF_LIMIT", 100)
    (tmp_path / "x.pdf").write_bytes(TWO_PAGES)
    with pytest.raises(InputError, match=r"x\.pdf has [\d,]+ bytes; at most 100"):
        load(tmp_path)


def test_only_who_reads_a_pdf_pays_for_the_library() -> None:
    script = "import sys, indexes.loaders, indexes.build; print('pypdf' in sys.modules)"
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "False"
