"""Signing by `ssh-keygen`, which knows agents and security keys. It is never left to ask anybody anything."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from store.errors import MachineryError
from store.records.base import Person
from store.signing.keys import is_good
from store.signing.ruling import NAMESPACE
from store.signing.signature import parse
from store.signing.wire import Malformed
from store.text import one_line

SECONDS = 30.0
"""What one signature may take; somebody may have to touch a security key."""
_PROMPT = "Enter passphrase: "
_SAID_LIMIT = 200


class SigningError(MachineryError):
    """A commit could not be signed; `what` is the sentence without what became of the change."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"{what}; nothing was changed. Unlock the key with `ssh-add`, or mend signing_key in "
            "settings.toml."
        )
        self.what = what


@dataclass(frozen=True, slots=True)
class Signing:
    """Whose key signs on this machine."""

    key: Path
    """A private key, or a public one whose private half an agent holds."""
    person: Person
    """Who is committing, as the signers' file has to name them."""
    seconds: float = SECONDS

    def sign(self, payload: bytes, namespace: str = NAMESPACE) -> str:
        """An armored signature over `payload` for `namespace`, which is good. Raises SigningError."""
        armored = self._signed(payload, namespace).strip()
        try:
            signature = parse(armored)
            if signature.namespace == namespace and is_good(signature, payload):
                return armored
        except Malformed as error:
            raise self._error(f"what ssh-keygen wrote {error}") from None
        raise self._error("what ssh-keygen wrote is no signature of it")

    def _signed(self, payload: bytes, namespace: str) -> str:
        program = shutil.which("ssh-keygen")
        if program is None:
            raise self._error("ssh-keygen is not on this machine; install OpenSSH")
        try:
            running = subprocess.Popen(
                [program, "-Y", "sign", "-n", namespace, "-f", str(self.key)],
                env=_environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,  # no terminal below it that could be asked on
            )
        except OSError as error:
            raise self._error(f"ssh-keygen cannot be started ({error.strerror or error})") from None
        try:
            out, err = running.communicate(payload, timeout=self.seconds)
        except subprocess.TimeoutExpired:
            raise self._error(f"ssh-keygen did not answer within {self.seconds:g} s") from None
        finally:
            _kill(running)
        if running.returncode != 0:
            raise self._error(_reason(err))
        return out.decode(errors="replace")

    def _error(self, why: str) -> SigningError:
        return SigningError(f"the commit could not be signed with {one_line(str(self.key))}: {why}")


def _environment() -> dict[str, str]:
    """Without what would open a window to ask for a passphrase."""
    return {**os.environ, "LC_ALL": "C", "SSH_ASKPASS": "", "SSH_ASKPASS_REQUIRE": "never"}


def _reason(err: bytes) -> str:
    """What ssh-keygen said last."""
    lines = [line for line in err.decode(errors="replace").splitlines() if line.strip()]
    said = one_line(lines[-1].removeprefix(_PROMPT), _SAID_LIMIT) if lines else "it did not say why"
    return "it has a passphrase" if "passphrase" in said else f"ssh-keygen: {said.rstrip('.')}"


def _kill(running: subprocess.Popen[bytes]) -> None:
    """Ends it with all that it started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(running.pid, signal.SIGKILL)
    for stream in (running.stdin, running.stdout, running.stderr):
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.close()
    running.wait()
