"""Every claim of the report is a test here, and every study gives what the report needs."""

from functools import cache

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest

from validation.studies import STUDIES

STUDY = {study.name: study for study in STUDIES}


@cache
def result_of(name):
    mpl.use("Agg")
    result = STUDY[name].run()
    for picture in result.pictures:
        plt.close(picture.figure)
    return result


@pytest.mark.parametrize("name", STUDY)
def test_every_claim_of_the_study_holds(name):
    result = result_of(name)
    if result.skipped:
        pytest.skip(result.skipped)
    assert result.claims
    assert [claim for claim in result.claims if not claim.holds] == []


@pytest.mark.parametrize("name", STUDY)
def test_tables_are_rectangular_and_pictures_described(name):
    result = result_of(name)
    for table in result.tables:
        assert {len(row) for row in table.rows} == {len(table.columns)}
    assert all(picture.alt for picture in result.pictures)


def test_no_two_files_of_the_report_share_a_name():
    for kind in ("tables", "pictures"):
        names = [part.name for name in STUDY for part in getattr(result_of(name), kind)]
        assert len(names) == len(set(names))


def test_a_study_without_torch_is_skipped_with_a_reason(monkeypatch):
    monkeypatch.setattr("validation.studies.gradients.find_spec", lambda name: None)
    result = STUDY["gradients"].run()
    assert result.skipped == "torch is not installed"
    assert not result.claims
