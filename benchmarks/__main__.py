"""`python -m benchmarks`: medians of interleaved runs, and the ratio to each peer in the same run."""

from benchmarks.cli import app

if __name__ == "__main__":
    app()
