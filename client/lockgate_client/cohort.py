"""Who belongs to the canary: the `lockgate/1` bucket.

One bucket per release, not per component. A unit keeps its bucket as long as the salt stays, so
the users at 5 % are among those at 25 %.
"""

from __future__ import annotations

import math
from hashlib import sha256
from struct import Struct

BUCKETS = 100_000
"""Buckets run from 0 to 99,999; one percent is a thousand of them."""
CONTROL_START = 50_000
"""The first bucket of the matched control."""

first_word = Struct(">I").unpack_from
"""The first four bytes, big endian, as a tuple of one integer."""


def salted(salt: str) -> bytes:
    """What is hashed before the unit: `lockgate/1`, NUL, the salt, NUL."""
    return b"lockgate/1\0" + salt.encode() + b"\0"


def bucket(salt: str, unit: str) -> int:
    """The bucket, 0 to 99,999, of `unit` (the user, any text) under a rollout's `salt`.

    Raises UnicodeEncodeError where either holds half of a surrogate pair, which UTF-8 cannot carry.
    """
    word: int = first_word(sha256(salted(salt) + unit.encode()).digest())[0]
    return word * BUCKETS >> 32


def width(percent: float) -> int:
    """How many buckets `percent` (0 to 100) takes: bucket < percent·1000 is bucket < width(percent).

    Rounded first at a millionth of a bucket, so that 16.1 % is 16,100 and not one more because
    16.1 · 1000 is 16100.000000000002 in binary.
    """
    return math.ceil(round(percent * 1000, 6))


def in_canary(bucket: int, percent: float) -> bool:
    """True where `bucket` is among the canary's at `percent`."""
    return bucket < width(percent)


def in_matched_control(bucket: int, percent: float) -> bool:
    """True where `bucket` is among the equally many that stable's answers are compared on.

    There is none above 50 %, where it would meet the canary.
    """
    return CONTROL_START <= bucket < control_end(percent)


def control_end(percent: float) -> int:
    """The bucket after the matched control's last; CONTROL_START where there is none."""
    return CONTROL_START + width(percent) if percent <= 50 else CONTROL_START
