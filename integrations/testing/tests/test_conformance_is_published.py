"""docs/conformance.md tells of every promise and every provider, and the suite finds a provider that breaks one."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.apps import apps

from integrations.contract import ProviderConfig
from integrations.testing.conformance import PAGE, ROOT, promises, sentence

pytestmark = pytest.mark.once

BREAKER = """
from integrations.testing.tests.test_memory_keeps_the_contract import TestMemory


class TestForgetful(TestMemory):
    def test_deleting_twice_is_a_success(self):
        raise AssertionError("broken")


del TestMemory
"""


@pytest.mark.feature("B1")
def test_every_promise_is_in_the_published_matrix_and_every_provider_keeps_it():
    """Red when a test is added to the contract and the page isn't made anew, or with a ✗ in it."""
    text = PAGE.read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| ([^|]+) \| (.+) \|$", text.partition("## When")[0], flags=re.M))
    assert {sentence(one) for one in promises()} <= set(rows)
    assert "| ✗" not in text
    providers = [one for one in apps.get_app_configs() if isinstance(one, ProviderConfig)]
    columns = rows["promise"].split(" | ")
    assert len(columns) >= len(providers)
    assert set(rows["**may sync both ways**"].split(" | ")) == {"yes"}


@pytest.mark.feature("B12")
def test_the_suite_says_no_to_a_provider_that_breaks_a_promise(tmp_path: Path):
    """Red when a failed promise is not counted: the verdict is yes."""
    mine = tmp_path / "test_forgetful_keeps_the_contract.py"
    mine.write_text(BREAKER)
    command = [sys.executable, "-m", "integrations.testing.conformance", str(mine)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    assert "| deleting twice is a success | ✗ |" in done.stdout
    assert "| **may sync both ways** | no |" in done.stdout
    assert "| creating twice with one key makes one event | ✓ |" in done.stdout
