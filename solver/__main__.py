"""`python -m solver`."""

from solver.cli import app

app(prog_name="python -m solver")
