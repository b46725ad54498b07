"""Published tables: train every row over several seeds and put the numbers beside the published ones.

`nnbridge.reproduce.mnist` and `nnbridge.reproduce.cifar` hold the studies; what they share is here.
"""

from __future__ import annotations

from nnbridge.reproduce.study import Diverged, Planned, Run, Spread, by_row, execute, read

__all__ = ["Diverged", "Planned", "Run", "Spread", "by_row", "execute", "read"]
