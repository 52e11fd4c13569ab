"""Keys and signatures of the real `ssh-keygen`, made once for all tests of this folder."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import pytest

KEYGEN = shutil.which("ssh-keygen")
wants_ssh_keygen = pytest.mark.skipif(
    KEYGEN is None, reason="SSH KEYGEN IS NOT INSTALLED: nothing about signing is tested on this machine"
)


@dataclass(frozen=True)
class Key:
    """A key pair without a passphrase."""

    path: Path

    @property
    def public(self) -> str:
        """`TYPE BASE64`."""
        return " ".join(self.path.with_suffix(".pub").read_text().split()[:2])

    def allowed(self, principal: str, options: str = "") -> str:
        """Its line in a signers' file."""
        return f"{principal} {options + ' ' if options else ''}{self.public}\n"

    def sign(self, data: bytes, namespace: str = "git", hash: str = "sha512") -> str:
        """An armored signature by `ssh-keygen -Y sign`."""
        words = [str(KEYGEN), "-Y", "sign", "-n", namespace, "-O", f"hashalg={hash}", "-f", str(self.path)]
        return subprocess.run(words, input=data, capture_output=True, check=True).stdout.decode()


@cache
def key(name: str, type: str = "ed25519") -> Key:
    """The key called `name`, the same one in all tests of a process."""
    path = Path(mkdtemp(prefix="lockgate-key-")) / name
    words = [str(KEYGEN), "-q", "-t", type, "-N", "", "-C", name, "-f", str(path)]
    subprocess.run(words, check=True, stdin=subprocess.DEVNULL)
    return Key(path)
