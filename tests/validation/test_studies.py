"""Every claim of the report is a test here, and every study gives what the report needs."""

import pytest

from validation.studies import STUDIES
from validation.study import Work

pytestmark = pytest.mark.xdist_group("studies")

STUDY = {study.name: study for study in STUDIES}


@pytest.fixture(scope="module")
def outcomes(quick_run):
    return {outcome.study.name: outcome for outcome in quick_run.outcomes}


@pytest.mark.parametrize("name", STUDY)
def test_every_claim_of_the_study_holds(outcomes, name):
    result, error = outcomes[name].result, outcomes[name].error
    assert not error, error
    if result.skipped:
        pytest.skip(result.skipped)
    assert result.claims
    assert [claim for claim in result.claims if not claim.holds] == []


@pytest.mark.parametrize("name", STUDY)
def test_tables_are_rectangular_and_pictures_described(outcomes, name):
    result = outcomes[name].result
    for table in result.tables:
        assert {len(row) for row in table.rows} == {len(table.columns)}
    assert all(picture.alt for picture in result.pictures)


def test_no_two_files_of_the_report_share_a_name(outcomes):
    for kind in ("tables", "pictures"):
        names = [part.name for o in outcomes.values() for part in getattr(o.result, kind)]
        assert len(names) == len(set(names))


def test_a_study_without_torch_is_skipped_with_a_reason(monkeypatch):
    monkeypatch.setattr("validation.studies.gradients.find_spec", lambda name: None)
    result = STUDY["gradients"].run(Work())
    assert result.skipped == "torch is not installed"
    assert not result.claims
