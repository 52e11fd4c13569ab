"""Which model may judge which release."""

from __future__ import annotations

from collections.abc import Mapping

from evals.models.pins import require_pinned
from store.errors import InputError
from store.records.versions import ModelPin
from store.text import one_line


def refuse_own_judge(pin: str, model: ModelPin, candidate: Mapping[str, ModelPin], where: str) -> None:
    """Refuses a judge that is the very model it would judge: models favour their own words.

    `pin` (`model/name@vN`) is the judge's version `model`; `candidate` are the models of the release
    that is judged, by pin; `where` names the suite. Another version with the same pinned id is the
    same model: other parameters do not make it another one. A judge that is not pinned is refused
    too, because what it says today has to be what it says tomorrow. Raises InputError.
    """
    try:
        require_pinned(model)
    except InputError as error:
        raise InputError(f"{where}: judge.model: {error.message}") from None
    for name, other in candidate.items():
        if name == pin or (other.provider, other.id) == (model.provider, model.id):
            raise InputError(
                f"{where}: the judge {one_line(pin, 80)} is the model of the release itself"
                + ("" if name == pin else f" ({one_line(name, 80)})")
                + ": name another model in [judge] of suite.toml."
            )
