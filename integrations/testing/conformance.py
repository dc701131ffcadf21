"""Whether providers may sync both ways: runs the contract and prints who kept what.

`python -m integrations.testing.conformance` looks at every provider of this house and writes docs/conformance.md;
with the path of a test file it looks at that one only (yours, outside this house) and prints. Exit code 1: a promise is broken.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "conformance.md"
CONTRACT = ROOT / "integrations" / "testing" / "contract.py"
KEEPERS = "test_*_keeps_the_contract.py"
FAULTS = ("test_engine_invariants*.py", "test_crash_*.py", "test_a_batch_may_break.py", "test_engine_interruptions.py")
MARKS = {"passed": "✓", "skipped": "–", "failed": "✗"}
WORST = ["passed", "skipped", "failed"]
Outcomes = dict[tuple[str, str], str]


@dataclass(eq=False)
class Results:
    """A pytest plugin: the worst outcome of each (test class or file, test)."""

    outcomes: Outcomes = field(default_factory=dict)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when != "call" and report.passed:
            return
        *place, test = report.nodeid.split("::")
        name = test.partition("[")[0] if len(place) > 1 else test
        key = (place[-1], name)
        self.outcomes[key] = max(self.outcomes.get(key, "passed"), report.outcome, key=WORST.index)


def run(paths: Iterable[Path]) -> Outcomes:
    results = Results()
    pytest.main(["-q", "-p", "no:cacheprovider", *map(str, sorted(paths))], plugins=[results])
    return results.outcomes


def promises() -> list[str]:
    """The contract's tests in its order."""
    return tests_in(CONTRACT)


def tests_in(path: Path) -> list[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")]


def servers(kept: Outcomes) -> list[str]:
    return sorted({owner for owner, _test in kept if owner.startswith("Test")})


def matrix(kept: Outcomes) -> list[str]:
    """A row a promise, a column a server."""
    columns = servers(kept)
    names = [one.removeprefix("Test") for one in columns]
    lines = [f"| promise | {' | '.join(names)} |", f"|---|{'---|' * len(names)}"]
    for promise in promises():
        cells = [MARKS[kept.get((owner, promise), "failed")] for owner in columns]
        lines.append(f"| {sentence(promise)} | {' | '.join(cells)} |")
    fit = ["no" if any(kept.get((owner, promise)) not in ("passed", "skipped") for promise in promises()) else "yes" for owner in columns]
    return [*lines, f"| **may sync both ways** | {' | '.join(fit)} |"]


def sentence(test: str) -> str:
    return test.removeprefix("test_").replace("_", " ")


def page(kept: Outcomes) -> str:
    lines = [
        "# Which provider keeps which promise",
        "",
        "Made by `python -m integrations.testing.conformance`; do not edit. The promises are the tests of `integrations/testing/contract.py`, run against real servers",
        "(Radicale, xandikos) and local ones that hold each request against the official description (Google, Outlook). ✓ kept, – does not apply, ✗ broken.",
        "None of it was tried against the live services.",
        "",
        *matrix(kept),
        "",
        "## When things break",
        "",
        "People on both sides and faults at once, and workers killed at each point. Afterwards there is exactly one event for each item, nothing is lost and a further",
        "cycle writes nothing. `make test` runs these, `make test-long` with thousands of examples:",
        "",
    ]
    faults = sorted(path for pattern in FAULTS for path in (ROOT / "integrations" / "tests").glob(pattern))
    lines += [f"- {sentence(test)} (`{path.relative_to(ROOT)}`)" for path in faults for test in tests_in(path)]
    return "\n".join(lines) + "\n"


def broken(outcomes: Outcomes) -> bool:
    return not outcomes or "failed" in outcomes.values()


def main(arguments: list[str]) -> int:
    if arguments:
        kept = run(map(Path, arguments))
        sys.stdout.write("\n".join(matrix(kept)) + "\n")
        return int(broken(kept))
    kept = run((ROOT / "integrations").rglob(KEEPERS))
    PAGE.write_text(page(kept), encoding="utf-8")
    return int(broken(kept))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
