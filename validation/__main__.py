"""Run ``python -m validation --help``."""

from validation.cli import app

app(prog_name="python -m validation")
