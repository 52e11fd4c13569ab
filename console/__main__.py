"""The `lockgate` command: everything ends in one sentence and an exit code, never in a traceback."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

_CLOSED_PIPE = 141


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs one command line and exits with its code."""
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
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _CLOSED_PIPE
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

    if as_json:
        problem = {"error": message, "exit_code": code, "reasons": list(reasons)}
        print(json_safe(json.dumps(problem, ensure_ascii=False)))
    print(f"lockgate: {safe_text(message)}", file=sys.stderr)
    return code


if __name__ == "__main__":
    main()
