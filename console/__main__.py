"""The `lockgate` command: everything ends in one sentence and an exit code, never in a traceback."""

from __future__ import annotations

import contextlib
import errno
import io
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from store.garbage import collect_seldom

_CLOSED_PIPE = 141


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs one command line and exits with its code."""
    collect_seldom()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that knows no ✓ is no reason to fail
    sys.exit(run(list(sys.argv[1:] if arguments is None else arguments)))


def run(arguments: list[str]) -> int:
    """Runs one command line; returns 0 done, 1 blocked, 2 wrong input, 3 inconclusive, 4 machinery."""
    import click

    from console.commands.cli import cli
    from store.errors import Blocked, Inconclusive, LockgateError

    os.umask(0o077)  # nothing of a workspace is for other users
    as_json = "--json" in arguments
    if any(not _is_text(argument) for argument in arguments):
        return _failed("an argument is not UTF-8 text; nothing was changed. Type it again.", 2, as_json)
    try:
        result = cli.main(arguments, prog_name="lockgate", standalone_mode=False)
        sys.stdout.flush()  # here, where a full disk or a closed pipe still ends in a sentence
        return result if isinstance(result, int) else 0
    except LockgateError as error:
        reasons = error.reasons if isinstance(error, Blocked | Inconclusive) else ()
        return _failed(error.message, error.exit_code, as_json, reasons)
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.Abort:
        return _failed("stopped; `lockgate history -n 1` shows the last change that landed.", 4, as_json)
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        hint = f" Try `{context.command_path} --help`." if context else ""
        return _failed(error.format_message() + hint, 2, as_json)
    except KeyboardInterrupt:
        return _failed("stopped.", 4, as_json)
    except (BrokenPipeError, SystemExit):  # click exits by itself when its own printing meets a closed pipe
        _silence(sys.stdout)
        return _CLOSED_PIPE
    except OSError as error:
        return _failed(_disk(error), 4, as_json)
    except Exception as error:
        if os.environ.get("LOCKGATE_DEBUG"):
            raise
        return _failed(_unexpected(error), 4, as_json)


def _is_text(argument: str) -> bool:
    try:
        argument.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in argument


def _silence(stream: TextIO) -> None:
    """What is still in the buffer has nowhere to go, and Python would say so on the way out."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _disk(error: OSError) -> str:
    """A sentence for an error of the operating system that no operation foresaw."""
    from store.text import one_line

    names = [one_line(os.fsdecode(name)) for name in (error.filename, error.filename2) if name is not None]
    where = " and ".join(names) or "writing to a file or to standard output"
    what = one_line(error.strerror or str(error) or type(error).__name__)
    return f"{where}: {what}. {_WAYS_OUT.get(error.errno or 0, _LOOK)}"


_LOOK = "`lockgate doctor` looks at this machine, `lockgate history -n 1` shows the last change that landed."
_WAYS_OUT = {
    errno.ENOSPC: "Free some space and try again; `lockgate history -n 1` shows the last change that landed.",
    errno.EDQUOT: "Free some space and try again; `lockgate history -n 1` shows the last change that landed.",
    errno.EACCES: "Give yourself access to it, or be somebody who has it.",
    errno.EPERM: "Give yourself access to it, or be somebody who has it.",
    errno.EROFS: "Mount it writable; reading commands work without that.",
    errno.EMFILE: "Raise the limit on open files (`ulimit -n`).",
}


def _unexpected(error: Exception) -> str:
    """A sentence for what nobody foresaw. Its text may hold anything, so only its place is told."""
    frame = error.__traceback__
    place = ""
    while frame is not None:
        code = frame.tb_frame.f_code
        place = f"{Path(code.co_filename).name}:{frame.tb_lineno}"
        frame = frame.tb_next
    return (
        f"something unexpected failed ({type(error).__name__} at {place}). This is a bug in Lockgate; "
        "LOCKGATE_DEBUG=1 shows where."
    )


def _failed(message: str, code: int, as_json: bool, reasons: tuple[str, ...] = ()) -> int:
    from store.text import json_safe, safe_text

    try:
        if as_json:
            problem = {"error": message, "exit_code": code, "reasons": list(reasons)}
            print(json_safe(json.dumps(problem, ensure_ascii=False)), flush=True)
    except OSError:  # the same disk or pipe, most likely: the sentence below still gets out
        _silence(sys.stdout)
    try:
        print(f"lockgate: {safe_text(message)}", file=sys.stderr, flush=True)
    except OSError:
        _silence(sys.stderr)
    return code


if __name__ == "__main__":
    main()
