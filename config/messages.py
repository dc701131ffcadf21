"""Compiles translations, `python -m config.messages FILE.po …`, without needing GNU gettext."""

from __future__ import annotations

import sys
from pathlib import Path

import polib


def compile_messages(po: Path) -> Path:
    """Writes the .mo file beside the .po file; fuzzy and empty entries are left out, as gettext does."""
    mo = po.with_suffix(".mo")
    polib.pofile(str(po)).save_as_mofile(str(mo))
    return mo


if __name__ == "__main__":
    for name in sys.argv[1:]:
        print(compile_messages(Path(name)))
