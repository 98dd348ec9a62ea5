"""The farm that a study runs on, and when it stops."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from parsl_sa.spec.fields import Count, Label, Positive, Section, complain


def _single_shard(shards: int) -> int:
    if shards > 1:
        raise complain(f"only 1 shard is supported so far; it is {shards}")
    return shards


class ClientsSpec(Section):
    """The client programs that evaluate the model."""

    ranks: Count = Field(default=2, description="MPI ranks of one client; each keeps the model loaded.")
    slots: Count | None = Field(
        default=None, description="Clients at the same time; null or left out takes what the site offers."
    )
    memory_gb: Positive | None = Field(
        default=None,
        description="Memory of one rank in GB, which bounds its batch; null or left out: what is free.",
    )
    threads: Count | None = Field(
        default=None, description="Threads of one rank; null or left out shares the cores among the ranks."
    )


class ReducerSpec(Section):
    """The reducer that folds what the clients send."""

    shards: Annotated[Count, AfterValidator(_single_shard)] = Field(
        default=1, description="Number of shards that the cells are split among; only 1 so far."
    )
    checkpoint_s: Positive = Field(
        default=60, description="Seconds between two checkpoints of the statistics."
    )


class FarmSpec(Section):
    """Where the study runs and how wide."""

    site: Label = Field(default="local", description="Name of a site preset; `parsl-sa sites` lists them.")
    clients: ClientsSpec = Field(default=ClientsSpec(), description="The clients.")
    reducer: ReducerSpec = Field(default=ReducerSpec(), description="The reducer.")
    options: dict[str, Any] = Field(
        default_factory=dict,
        description="What the site asks for, such as account, partition and walltime; checked by the site.",
    )


class BudgetSpec(Section):
    """What a run may use; it stops at the first limit, keeps its results and can be resumed."""

    seconds: Positive | None = Field(
        default=None, description="Wall-clock seconds of the run; null: no limit."
    )
    core_hours: Positive | None = Field(
        default=None, description="Core hours of all clients; null: no limit."
    )


class StopSpec(Section):
    """When a study stops before its design is complete."""

    budget: BudgetSpec = Field(default=BudgetSpec(), description="What a run may use.")
    max_dropped_fraction: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.01,
        description="Largest fraction of bundles that may be dropped for a failed or non-finite row; above "
        "it the study fails instead of reporting.",
    )
