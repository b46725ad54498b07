"""The studies of the report, in its order."""

from validation.studies import consistency, gaussian, gradients, invariants, orders, stability, starts
from validation.study import Study

STUDIES: tuple[Study, ...] = (
    gaussian.STUDY,
    orders.STUDY,
    starts.STUDY,
    consistency.STUDY,
    stability.STUDY,
    invariants.STUDY,
    gradients.STUDY,
)
