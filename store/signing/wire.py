"""The encoding of SSH (RFC 4251, section 5), read strictly: what is left over is an error."""

from __future__ import annotations


class Malformed(ValueError):
    """The bytes are not what they should be; its text is the end of a sentence."""


class Reader:
    """Reads fields from the front of `data`. Every method raises Malformed when the bytes end too early."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, count: int) -> bytes:
        """The next `count` bytes."""
        if count > len(self._data) - self._at:
            raise Malformed("is cut off")
        self._at += count
        return self._data[self._at - count : self._at]

    def number(self) -> int:
        """A uint32."""
        return int.from_bytes(self.take(4), "big")

    def string(self) -> bytes:
        """A length and as many bytes."""
        return self.take(self.number())

    def name(self) -> str:
        """A string of printable ASCII. Raises Malformed for any other."""
        data = self.string()
        if not all(0x20 < byte < 0x7F for byte in data):
            raise Malformed("holds a name with odd characters")
        return data.decode("ascii")

    def positive(self) -> int:
        """An mpint above zero, in its shortest form. Raises Malformed for any other."""
        data = self.string()
        if not data or data[0] & 0x80 or (data[0] == 0 and not (len(data) > 1 and data[1] & 0x80)):
            raise Malformed("holds a number that is not written as one")
        return int.from_bytes(data, "big")

    def end(self) -> None:
        """Raises Malformed when something is left."""
        if self._at != len(self._data):
            raise Malformed("holds more than it should")


def string(data: bytes) -> bytes:
    """`data` as a field."""
    return len(data).to_bytes(4, "big") + data
