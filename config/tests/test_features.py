"""The catalogue and the tests' markers agree, and a claim without a test is found."""

from __future__ import annotations

import pytest

from config.features import Catalogue, Proof, find_proofs, page, problems, read_catalogue

pytestmark = pytest.mark.pure

CATALOGUE = Catalogue(claimed=["A1"], areas={"Area": {"A1": "First", "A2": "Second"}})
PROOF = Proof(row="A1", test="booking/tests/test_x.py::test_y", docstring="Seen red with x taken out.")


def test_claims_and_markers_of_the_project_agree():
    assert problems(read_catalogue(), find_proofs()) == []


def test_a_proven_claim_is_no_problem():
    assert problems(CATALOGUE, [PROOF]) == []


def test_a_claim_without_a_test_is_a_problem():
    assert problems(CATALOGUE, []) == ["A1 is claimed, but no test carries its marker"]


def test_a_marker_of_no_row_is_a_problem():
    assert len(problems(CATALOGUE, [PROOF, Proof(row="Z9", test="t", docstring="d")])) == 1


def test_a_feature_test_without_a_docstring_is_a_problem():
    assert len(problems(CATALOGUE, [Proof(row="A1", test="t", docstring="")])) == 1


def test_markers_are_read_from_the_source(tmp_path):
    folder = tmp_path / "booking" / "tests"
    folder.mkdir(parents=True)
    (folder / "test_x.py").write_text('@pytest.mark.feature("A1")\n@pytest.mark.feature("A2", "A3")\ndef test_y():\n    """Red."""\n')
    assert [proof.row for proof in find_proofs(tmp_path)] == ["A1", "A2", "A3"]


def test_the_page_ticks_what_is_claimed_and_names_the_test():
    text = page(CATALOGUE, [PROOF])
    assert "| ✓ | A1 | First | `booking/tests/test_x.py::test_y` |" in text
    assert "|   | A2 | Second |  |" in text
