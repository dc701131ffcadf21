"""The interface is complete in German: nothing left out, nothing unsure, the same placeholders as in English."""

from __future__ import annotations

import re
from pathlib import Path

import polib
import pytest
from django.utils.translation import gettext, override

GERMAN = Path(__file__).resolve().parents[2] / "locale" / "de" / "LC_MESSAGES" / "django.po"
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w+\}|%\w+%|</?\w+>")

pytestmark = pytest.mark.pure


def test_every_text_has_a_german_one():
    """Red when one msgstr is emptied."""
    catalog = polib.pofile(str(GERMAN))
    assert [entry.msgid for entry in catalog if not entry.obsolete and not entry.translated()] == []
    assert len(catalog) > 500


def test_german_texts_have_the_placeholders_of_the_english_ones():
    wrong = []
    for entry in polib.pofile(str(GERMAN)):
        pairs = [(entry.msgid_plural, entry.msgstr_plural[1])] if entry.msgid_plural else [(entry.msgid, entry.msgstr)]
        wrong += [english for english, german in pairs if sorted(PLACEHOLDER.findall(english)) != sorted(PLACEHOLDER.findall(german))]
    assert wrong == []


@pytest.mark.skipif(not GERMAN.with_suffix(".mo").exists(), reason="the catalogue is not compiled (make setup)")
def test_the_compiled_catalogue_is_the_one_that_is_read():
    with override("de"):
        assert gettext("Book an appointment") == "Termin buchen"
