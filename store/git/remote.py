"""A remote: another repository that holds the same `main`; it is asked, fetched from and pushed to, never
forced."""

from __future__ import annotations

import re
from pathlib import Path

from store.errors import InputError, MachineryError, StaleTip
from store.git import program
from store.git.program import Patience, Ran
from store.git.remote_url import cleaned, masked, trouble
from store.git.tracking import SEEN, clear_dead_lock
from store.text import one_line

MAIN = "refs/heads/main"
_LINE = re.compile(r"([0-9a-f]{40})\t(\S+)")
_RACED = (
    "failed to update ref",
    "cannot lock ref",
    "incorrect old value",
    "failed to lock",
    "reference already exists",
    "remote ref updated since",
)
"""How servers say that somebody else was faster; none of them says it with `[rejected]`."""
_SAID_LINES = 3
_SHARED = 0o022
_COUNTING = re.compile(r"\d+% \(|, done\.$|^Total \d")
"""A line of progress."""


class RemoteTrouble(MachineryError):
    """What a remote did: `what` is the end of the sentence that the message is."""

    def __init__(self, name: str, what: str) -> None:
        super().__init__(f"the remote {name} {what}.")
        self.what = what


class Unreachable(RemoteTrouble):
    """The remote did not answer, or not sensibly."""


class Refused(RemoteTrouble):
    """The remote's own rules said no."""


class Behind(StaleTip):
    """Somebody else pushed first: fetch and try again."""


class Remote:
    """The repository at `url`, seen from the one at `gitdir`."""

    def __init__(self, gitdir: Path, url: str) -> None:
        """Raises InputError when `url` may not be used."""
        why = trouble(url)
        if why is not None:
            raise InputError(f"the remote's address {why}; nothing was changed. Give another one.")
        self._gitdir = gitdir
        self._url = url
        self.name = masked(url)
        """The address as it may be shown."""

    def refs(self, patience: Patience) -> dict[str, str]:
        """All that it has: ref to id. Raises Unreachable."""
        ran = self._run(["ls-remote", "--quiet", "--refs", "--", self._url], patience)
        return {name: id for id, name in _LINE.findall(ran.out)}

    def head(self, patience: Patience) -> str | None:
        """The commit (40 hex) of its main; None when it has none. Raises Unreachable."""
        ran = self._run(["ls-remote", "--quiet", "--refs", "--", self._url, MAIN], patience)
        return next((id for id, name in _LINE.findall(ran.out) if name == MAIN), None)

    def fetch(self, patience: Patience) -> bool:
        """Brings its main to refs/remotes/origin/main, and nothing else.

        False when that does not stand on what was seen last, or when somebody fetches at the same
        moment; what it has is here all the same. Raises Unreachable.
        """
        wanted = ["fetch", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", "--progress"]
        clear_dead_lock(self._gitdir)
        ran = self._ran([*wanted, "--", self._url, f"{MAIN}:{SEEN}"], patience)
        if ran.code and ("[rejected]" in ran.err or "cannot lock ref" in ran.err or ".lock'" in ran.err):
            return False
        self._demand(ran, patience)
        return True

    def push(self, commit: str, patience: Patience) -> None:
        """Moves its main forward to `commit`.

        Raises Behind when that stands on an older one, Refused when its rules say no, Unreachable.
        """
        wanted = ["push", "--porcelain", "--no-verify", "--no-follow-tags", "--recurse-submodules=no"]
        arguments = [*wanted, "--progress", "--", self._url, f"{commit}:{MAIN}"]
        # Into a folder that several accounts share; nothing is written here.
        ran = program.run(self._gitdir, arguments, patience, umask=_SHARED)
        for line in ran.out.splitlines():
            flag, _, rest = line.partition("\t")
            if flag == "!":
                self._rejected(rest.rpartition("\t")[2], ran)
            elif flag in (" ", "*", "=") and rest and ran.code == 0:
                return
        if ran.code is None:
            raise Unreachable(
                self.name,
                f"did not say within {patience.seconds:g} s whether the change has arrived (`lockgate sync` "
                "finds out)",
            )
        self._demand(ran, patience)
        raise Unreachable(self.name, f"said nothing about the push: {self._said(ran)}")

    def push_ref(self, commit: str, ref: str, patience: Patience) -> None:
        """Makes its `ref` be `commit`, whatever it was; an empty `commit` deletes it. Never for `main`.

        Raises Refused when its rules say no, Unreachable.
        """
        if not ref.startswith("refs/lockgate/"):
            raise ValueError(f"{ref} is nobody's own ref")
        wanted = ["push", "--quiet", "--force", "--no-verify", "--no-follow-tags", "--recurse-submodules=no"]
        arguments = [*wanted, "--", self._url, f"{commit}:{ref}"]
        ran = program.run(self._gitdir, arguments, patience, umask=_SHARED)
        if ran.code and "[remote rejected]" in ran.err and "does not exist" not in ran.err:
            raise Refused(self.name, f"refused the report: {self._said(ran)}")
        if not (ran.code and not commit and "does not exist" in ran.err):
            self._demand(ran, patience)

    def fetch_refs(self, prefix: str, patience: Patience) -> None:
        """Makes the refs below `prefix` here be those that it has. Raises Unreachable."""
        wanted = [
            "fetch",
            "--quiet",
            "--no-tags",
            "--no-write-fetch-head",
            "--no-recurse-submodules",
            "--prune",
        ]
        self._run([*wanted, "--", self._url, f"+{prefix}*:{prefix}*"], patience)

    def _rejected(self, why: str, ran: Ran) -> None:
        text = cleaned(why, self._url)
        if text.startswith("[rejected]") or any(words in text.lower() for words in _RACED):
            raise Behind("the remote's main moved while this was being pushed.")
        if any(words in ran.err.lower() for words in _RACED):
            raise Behind("the remote's main moved while this was being pushed.")
        raise Refused(self.name, f"refused it: {one_line(text, 120)}{self._remarks(ran)}")

    def _remarks(self, ran: Ran) -> str:
        """What its hooks said."""
        said = [line[7:].strip() for line in re.split(r"[\r\n]", ran.err) if line.startswith("remote:")]
        text = " ".join(one for one in said if one and not _COUNTING.search(one))
        return f" ({one_line(cleaned(text, self._url), 300)})" if text else ""

    def _run(self, arguments: list[str], patience: Patience) -> Ran:
        ran = self._ran(arguments, patience)
        self._demand(ran, patience)
        return ran

    def _ran(self, arguments: list[str], patience: Patience) -> Ran:
        return program.run(self._gitdir, arguments, patience)

    def _demand(self, ran: Ran, patience: Patience) -> None:
        if ran.code is None:
            raise Unreachable(self.name, f"did not answer within {patience.seconds:g} s")
        if ran.code:
            raise Unreachable(self.name, f"cannot be used: {self._said(ran)}")

    def _said(self, ran: Ran) -> str:
        """What git said, without progress lines and what is secret."""
        lines = [line.strip() for line in re.split(r"[\r\n]", cleaned(ran.err, self._url))]
        last = [line for line in lines if line.startswith(("fatal:", "error:", "remote:", "ssh:"))]
        told = last or [line for line in lines if line]
        text = " ".join(re.sub(r"^(fatal|error): ", "", line) for line in told[:_SAID_LINES])
        return one_line(text or f"git ended with {ran.code}", 300).rstrip(".")
