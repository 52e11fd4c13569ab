"""lockgate.toml: which environments there are, in order, and what each demands."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from store.canonical import digest_of
from store.records.base import Name, Strict
from store.records.rights import May, Roles, unknown_roles
from store.records.rollout_policy import FOUR_STEPS, RolloutPolicy
from store.records.window import Window

Tier = Literal["smoke", "full", "extended"]
"""How much of a suite is run; each tier holds the ones before it."""
TIERS: tuple[Tier, ...] = ("smoke", "full", "extended")


class GatePolicy(Strict):
    """What a release must have shown before it may enter an environment."""

    required: bool = True
    """False lets releases in without evals."""
    tier: Tier = "full"
    """The tier of cases that the verdict must cover."""
    allow_override: bool = True
    """Whether `--override REASON` is accepted here; it is recorded."""


class ApprovalPolicy(Strict):
    """Whose yes a release needs besides its author's."""

    count: int = Field(default=1, ge=1, le=10)
    """How many people have to say yes to a promotion, and to each step that wants an approval."""
    signed: bool = True
    """Whether only signatures count. False believes the names that people typed."""
    days: int = Field(default=30, ge=1, le=3650)
    """How long a yes counts."""


class EnvironmentPolicy(Strict):
    """One environment. The order in lockgate.toml is the order in which releases travel."""

    name: Name
    gate: GatePolicy = GatePolicy()
    note_required: bool = False
    """Whether forward changes need a reason (`-m`)."""
    production: bool = False
    """Whether people rely on it: dangerous actions want its name typed."""
    rollout: RolloutPolicy | None = None
    """The steps that a promotion takes here; None serves a release to everybody at once."""
    windows: tuple[Window, ...] = Field(default=(), max_length=50)
    """When it may move forward."""
    approvals: ApprovalPolicy | None = None
    """None wants a yes only where a step of the rollout does, and anybody's."""
    may: May | None = None
    """Who may do what here; goes before what the whole store says."""
    break_glass: bool = True
    """Whether `--break-glass REASON` is accepted here; somebody else has to review it afterwards."""

    @property
    def digest(self) -> str:
        """Of all that is demanded here: what approvals are bound to."""
        return digest_of(self.model_dump(mode="json"))


class Policy(Strict):
    """The whole of lockgate.toml."""

    format: Literal["lockgate.policy/1"] = "lockgate.policy/1"
    retention_days: int = Field(default=7, ge=1, le=3650)
    """How long an index version stays ready for rollback after it last served, in days."""
    retention: dict[Name, Annotated[int, Field(ge=1, le=3650)]] | None = Field(default=None, max_length=1000)
    """The same for single indexes, by name: `handbook = 14`."""
    rollback_targets: int | None = Field(default=None, ge=1, le=100)
    """How many versions of an index that served before the current one stay ready in each environment,
    whatever their age; one where nothing is said."""
    roles: Roles | None = None
    """Names for groups of people."""
    may: May | None = None
    """Who may do what, in every environment that does not say it itself."""
    environments: tuple[EnvironmentPolicy, ...] = Field(min_length=1, max_length=20)

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        names = [environment.name for environment in self.environments]
        if len(set(names)) != len(names):
            raise ValueError("two environments have the same name")
        if self.environments[0].approvals is not None:
            raise ValueError(
                "the first environment gets each release as it is staged, before anybody can approve it"
            )
        mays = [one for one in (self.may, *(one.may for one in self.environments)) if one]
        if wrong := unknown_roles(self.roles or {}, mays):
            raise ValueError(wrong)
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """The environments' names in order."""
        return tuple(environment.name for environment in self.environments)

    def retention_of(self, index: str) -> timedelta:
        """How long a version of `index` stays ready after it last served."""
        return timedelta(days=(self.retention or {}).get(index, self.retention_days))

    @property
    def longest_retention(self) -> timedelta:
        """That of the index that is kept longest: as long as pointers have to remember what served."""
        return timedelta(days=max((self.retention_days, *(self.retention or {}).values())))

    @property
    def targets(self) -> int:
        """How many rollback targets stay ready."""
        return self.rollback_targets or 1

    def environment(self, name: str) -> EnvironmentPolicy | None:
        """The environment called `name`, or None."""
        return next((one for one in self.environments if one.name == name), None)


DEFAULT_POLICY = Policy(
    environments=(
        EnvironmentPolicy(name="staging"),
        EnvironmentPolicy(name="production", note_required=True, production=True, rollout=FOUR_STEPS),
    )
)
"""What `lockgate init` writes."""
