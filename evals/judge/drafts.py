"""Labels that people gave and that no version of the suite has yet: one file, one line a label.

Whoever appends holds the file, writes one whole line and brings it to the disk; what an interrupted
write left behind is cut off first. Of two labels of one person about the same answer the later counts.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Collection
from pathlib import Path

from evals.judge.labels import LABELS_LIMIT, Label, write_labels
from store.bounded import LINE_LIMIT, parse_json, validate
from store.errors import InputError, MachineryError
from store.text import one_line


class Drafts:
    """The file of one suite. It need not be there."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> tuple[Label, ...]:
        """Every label in the file, as they were given. A line that is torn or damaged was not said.

        Raises MachineryError when the file is there and cannot be read.
        """
        try:
            with self.path.open("rb") as file:
                data = file.read(LABELS_LIMIT + 1)
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise self._unusable(error) from None
        whole = data[: data.rfind(b"\n") + 1]
        found = (_label(line) for line in whole.split(b"\n") if line.strip())
        return tuple(label for label in found if label is not None)

    def append(self, label: Label, spent: Collection[Label] = ()) -> None:
        """Adds `label`; it is on the disk when this returns.

        Where every label in the file is in `spent` (a version of the suite has it, or a later one took its
        place), the file begins anew. Raises InputError when the file is full, MachineryError when it cannot
        be written; then it is as it was.
        """
        line = write_labels((label,))
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise self._unusable(error) from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            self._append(descriptor, line, spent)
        except OSError as error:
            raise self._unusable(error) from None
        finally:
            os.close(descriptor)

    def _append(self, descriptor: int, line: bytes, spent: Collection[Label]) -> None:
        known = self.read()
        if known and spent and all(one in spent for one in known):
            os.ftruncate(descriptor, 0)
        size = _whole(descriptor)
        os.ftruncate(descriptor, size)
        if size + len(line) > LABELS_LIMIT or len(line) > LINE_LIMIT:
            raise InputError(
                f"{self.path.name} is full with {size:,} bytes: land the labels that are in it "
                "in a version of the suite first."
            )
        if os.write(descriptor, line) != len(line):
            os.ftruncate(descriptor, size)  # a full disk: half a line helps nobody
            raise OSError("the disk is full")
        os.fsync(descriptor)

    def _unusable(self, error: OSError) -> MachineryError:
        why = one_line(error.strerror or str(error))
        return MachineryError(f"the labels in {self.path} cannot be read or written: {why}.")


def _whole(descriptor: int) -> int:
    """The length of the file up to its last whole line."""
    end = os.fstat(descriptor).st_size
    while end > 0:
        begin = max(0, end - 65_536)
        place = os.pread(descriptor, end - begin, begin).rfind(b"\n")
        if place >= 0:
            return begin + place + 1
        end = begin
    return 0


def _label(line: bytes) -> Label | None:
    try:
        return validate(Label, parse_json(line, "the label", LINE_LIMIT), "the label")
    except InputError:
        return None
