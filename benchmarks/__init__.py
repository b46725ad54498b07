"""Measured cases, peers beside us: `python -m benchmarks`."""
