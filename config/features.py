"""Which test proves which feature: writes docs/features.md from the catalogue and the tests' markers.

`python -m config.features` writes the page; with `--check` it only says what is wrong: a claimed row without a
test, a marker without a row, a page that is out of date.
"""

from __future__ import annotations

import ast
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CATALOGUE = ROOT / "docs" / "catalogue.toml"
PAGE = ROOT / "docs" / "features.md"
TEST_FOLDERS = ("config", "booking", "crm", "resources", "integrations")


@dataclass(frozen=True, slots=True)
class Proof:
    """A test that carries the marker of a row; `docstring` names what was taken out to see it red."""

    row: str
    test: str
    docstring: str


@dataclass(frozen=True, slots=True)
class Catalogue:
    claimed: list[str]
    # Title of the area -> row id -> text.
    areas: dict[str, dict[str, str]]

    @property
    def rows(self) -> dict[str, str]:
        return {row: text for area in self.areas.values() for row, text in area.items()}


def read_catalogue(path: Path = CATALOGUE) -> Catalogue:
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    claimed = data.pop("claimed")
    return Catalogue(claimed=claimed, areas={area.pop("title"): area for area in data.values()})


def find_proofs(root: Path = ROOT) -> list[Proof]:
    """Tests marked with `@pytest.mark.feature("A9")`, read from their source in order of file and line."""
    paths = sorted(path for folder in TEST_FOLDERS for path in (root / folder).rglob("test_*.py"))
    return [proof for path in paths for proof in _proofs_in(path, path.relative_to(root))]


def _proofs_in(path: Path, name: Path) -> list[Proof]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [
        Proof(row=row, test=f"{name}::{node.name}", docstring=ast.get_docstring(node) or "")
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
        for decorator in node.decorator_list
        for row in _rows_of(decorator)
    ]


def _rows_of(decorator: ast.expr) -> list[str]:
    if not (isinstance(decorator, ast.Call) and isinstance(decorator.func, ast.Attribute) and decorator.func.attr == "feature"):
        return []
    return [argument.value for argument in decorator.args if isinstance(argument, ast.Constant) and isinstance(argument.value, str)]


def problems(catalogue: Catalogue, proofs: list[Proof]) -> list[str]:
    proven = {proof.row for proof in proofs}
    return [
        *(f"{row} is claimed, but there is no such row" for row in catalogue.claimed if row not in catalogue.rows),
        *(f"{row} is claimed, but no test carries its marker" for row in catalogue.claimed if row in catalogue.rows and row not in proven),
        *(f"{proof.test}: {proof.row} is no row of the catalogue" for proof in proofs if proof.row not in catalogue.rows),
        *(f"{proof.test}: its docstring must say what was taken out to see it red" for proof in proofs if not proof.docstring),
    ]


def page(catalogue: Catalogue, proofs: list[Proof]) -> str:
    done = len(set(catalogue.claimed))
    lines = [
        "# Features, and the tests that prove them",
        "",
        "Made by `make features` from `docs/catalogue.toml` and the tests' markers; do not edit.",
        "A row is ticked when it is claimed as done. Each test's docstring says what was taken out to see it fail.",
        "",
        f"{done} of {len(catalogue.rows)} rows are claimed.",
    ]
    for title, rows in catalogue.areas.items():
        lines += ["", f"## {title}", "", "| | row | feature | tests |", "|---|---|---|---|"]
        for row, text in rows.items():
            tests = "<br>".join(f"`{proof.test}`" for proof in proofs if proof.row == row)
            lines.append(f"| {'✓' if row in catalogue.claimed else ' '} | {row} | {text} | {tests} |")
    return "\n".join(lines) + "\n"


def main(arguments: list[str]) -> int:
    catalogue, proofs = read_catalogue(), find_proofs()
    wrong = problems(catalogue, proofs)
    text = page(catalogue, proofs)
    if "--check" not in arguments:
        PAGE.write_text(text, encoding="utf-8")
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != text:
        wrong.append("docs/features.md is out of date: run `make features`")
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
