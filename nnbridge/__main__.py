"""``python -m nnbridge``: see `nnbridge.cli`."""

from nnbridge.cli import app

if __name__ == "__main__":
    app(prog_name="python -m nnbridge")
