"""Proof that the scheme does what it says, and where it fails.

Analytic problems, order studies, stability maps, invariants and gradient checks.
``python -m validation`` runs every study, prints its tables and writes an HTML report with the figures.
"""
