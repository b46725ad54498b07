"""Run ``python -m validation --help``."""

from validation.cli import app

if __name__ == "__main__":  # the process that draws the figures imports this module too
    app(prog_name="python -m validation")
