"""How the rows are trained: as published, or in an hour or less on two cores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from nnbridge.reproduce.cifar.rows import Study
from nnbridge.reproduce.study import Planned
from nnbridge.training import TrainingConfig

#: One cycle of the learning rate, batches of 128, the same for every row.
SHORT: Final[dict[str, Any]] = {
    "epochs": 15,
    "batch_size": 128,
    "learning_rate": 0.2,
    "weight_decay": 5e-4,
    "schedule": "one-cycle",
    "threads": 2,
}

#: What is put over the recipe that `TrainingConfig.for_data` knows, the published one of 300 epochs.
RECIPES: Final[dict[str, dict[str, Any]]] = {"short": SHORT, "published": {}}


def plan(study: Study, recipe: str, seeds: int, choices: Mapping[str, Any] | None = None) -> list[Planned]:
    """Return the runs of a study, seed by seed, with every row in turn.

    Parameters
    ----------
    study
        One of `STUDIES`.
    recipe
        One of `RECIPES`.
    seeds
        How many: 0 to ``seeds`` - 1.
    choices
        Arguments of `TrainingConfig` that are put over the recipe, for every row.

    Raises
    ------
    ValueError
        If ``recipe`` is unknown, ``seeds`` is less than 1, a choice belongs to the rows, or is not valid.
    """
    if recipe not in RECIPES:
        raise ValueError(f"`recipe` is {recipe!r}, but the recipes are {', '.join(RECIPES)}")
    if seeds < 1:
        raise ValueError(f"`seeds` is {seeds}, but a study needs at least 1")
    own = sorted({"data", "backbone", "variant", "seed"} & set(choices or {}))
    if own:
        raise ValueError(f"`choices` has {', '.join(own)}, which the rows of a study decide: leave it out")
    over = RECIPES[recipe] | dict(choices or {})
    return [
        Planned(
            row.name,
            TrainingConfig.for_data(
                study.data, **({"backbone": row.backbone, "variant": row.variant, "seed": seed} | over)
            ),
        )
        for seed in range(seeds)
        for row in study.rows
    ]
