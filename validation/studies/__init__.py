"""The studies of the report, in its order."""

from validation.studies import (
    consistency,
    dispersion,
    filtered,
    gaussian,
    gradients,
    invariants,
    inverse,
    layer,
    lines,
    modes,
    orders,
    precision,
    rotation,
    sensitivity,
    stability,
    starts,
    variable,
    walls,
)
from validation.study import Study

STUDIES: tuple[Study, ...] = (
    gaussian.STUDY,
    orders.STUDY,
    starts.STUDY,
    consistency.STUDY,
    rotation.STUDY,
    layer.STUDY,
    stability.STUDY,
    walls.STUDY,
    variable.STUDY,
    dispersion.STUDY,
    modes.STUDY,
    filtered.STUDY,
    invariants.STUDY,
    precision.STUDY,
    lines.STUDY,
    gradients.STUDY,
    sensitivity.STUDY,
    inverse.STUDY,
)
