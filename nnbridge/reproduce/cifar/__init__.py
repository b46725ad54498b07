"""The published tables of CIFAR: which rows each has, what was published of them, and how they are trained here."""

from __future__ import annotations

from nnbridge.reproduce.cifar.recipes import RECIPES, plan
from nnbridge.reproduce.cifar.rows import STUDIES, Published, Row, Study

__all__ = ["RECIPES", "STUDIES", "Published", "Row", "Study", "plan"]
