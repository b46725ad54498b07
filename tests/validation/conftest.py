"""All studies, run once for the tests that look at what they found and at the report of it."""

import matplotlib as mpl
import pytest
from rich.console import Console

from validation.running import run_studies
from validation.studies import STUDIES


@pytest.fixture(scope="session")
def quick_run():
    """The run of ``python -m validation``; tests that ask for it belong to the xdist group "studies"."""
    mpl.use("Agg")
    return run_studies(STUDIES, False, "python -m validation", Console(quiet=True), lambda outcome: None)
