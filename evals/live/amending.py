"""Reports what a grader found of a request, as an application does with `Client.amend`."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path

from lockgate_client import Amendment, LockgateClientError, Observation
from lockgate_client.intake import Intake
from store.errors import MachineryError
from store.text import one_line

_PATIENCE_SECONDS = 10.0
_PAUSE_SECONDS = 0.02


def amend(path: Path, amendments: Sequence[Amendment], observed: Sequence[Observation] = ()) -> None:
    """Writes `amendments` into the observations file at `path`, all or none, waiting while others write; of
    `observed` too what nobody reported.

    Raises MachineryError when it cannot be written.
    """
    intake = Intake(path)
    end = time.monotonic() + _PATIENCE_SECONDS
    try:
        while True:
            try:
                intake.write(observed, amendments, [])
                return
            except sqlite3.OperationalError:
                if time.monotonic() >= end:
                    raise
                time.sleep(_PAUSE_SECONDS)
    except LockgateClientError as error:
        raise MachineryError(one_line(f"{error}.", 400)) from None
    except (sqlite3.Error, OSError) as error:
        raise MachineryError(f"{path} cannot be written ({one_line(str(error))}).") from None
    finally:
        intake.close()
