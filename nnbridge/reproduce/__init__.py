"""Train the three MNIST networks over several seeds and put the numbers beside the published ones."""

from __future__ import annotations

from nnbridge.reproduce.study import Run, Spread, Summary, configurations, execute, summarise

__all__ = ["Run", "Spread", "Summary", "configurations", "execute", "summarise"]
