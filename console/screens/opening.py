"""Which screen stands behind which number. All but the first are loaded behind the first paint."""

from __future__ import annotations

from console.actions import Place
from console.screens.overview import OverviewScreen
from console.screens.place import PlaceScreen
from console.screens.session import Session


def screen_for(place: Place, session: Session) -> PlaceScreen:
    """A new screen for `place`."""
    if place == "overview":
        return OverviewScreen(session)
    if place == "stage":
        from console.screens.stage import StageScreen

        return StageScreen(session)
    if place == "rollout":
        from console.screens.rollout import RolloutScreen

        return RolloutScreen(session)
    if place == "compare":
        from console.screens.compare import CompareScreen

        return CompareScreen(session)
    if place == "evals":
        from console.screens.evals import EvalsScreen

        return EvalsScreen(session)
    if place == "indexes":
        from console.screens.indexes import IndexesScreen

        return IndexesScreen(session)
    from console.screens.history import HistoryScreen

    return HistoryScreen(session)


def load_rest() -> None:
    """Imports what the other screens and the first change need, in whatever thread it is called."""
    import console.screens.compare
    import console.screens.evals
    import console.screens.evals_keys
    import console.screens.flips
    import console.screens.history
    import console.screens.indexes
    import console.screens.label
    import console.screens.operate
    import console.screens.quality
    import console.screens.rollout
    import console.screens.stage  # noqa: F401
