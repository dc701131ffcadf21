"""Translations are compiled without GNU gettext."""

from __future__ import annotations

import gettext

import pytest

from config.messages import compile_messages

pytestmark = pytest.mark.pure

PO = """\
msgid ""
msgstr "Content-Type: text/plain; charset=UTF-8\\n"

msgid "Monday"
msgstr "Montag"

#, fuzzy
msgid "Tuesday"
msgstr "Irgendwas"
"""


def test_it_writes_a_file_that_gettext_reads(tmp_path):
    po = tmp_path / "django.po"
    po.write_text(PO)
    with compile_messages(po).open("rb") as file:
        texts = gettext.GNUTranslations(file)
    assert texts.gettext("Monday") == "Montag"
    assert texts.gettext("Tuesday") == "Tuesday"
