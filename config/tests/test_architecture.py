"""The rules of the house that a program can check: who imports whom, sizes, names, first lines."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

pytestmark = [pytest.mark.pure, pytest.mark.xdist_group("architecture")]  # the files are read once

ROOT = Path(__file__).resolve().parents[2]
APPS = ("booking", "crm", "resources", "integrations")
OURS = {*APPS, "config", "conftest", "benchmarks"}
HARD_LIMIT = 400

# App -> the apps of ours that it may import.
MAY_IMPORT = {
    "booking": {"booking"},
    "crm": {"crm", "booking"},
    "resources": {"resources", "booking"},
    "integrations": set(APPS),
}
# Modules that only think: standard library and one another.
PURE = {
    "booking.availability.intervals",
    "booking.availability.slots",
    "integrations.items",
    "integrations.merge",
    "integrations.decide",
    "integrations.presence.rules",
    "resources.occupancy",
}
# What a provider's folder may import of ours, beside itself.
FOR_PROVIDERS = ("integrations.contract", "integrations.items", "integrations.wire", "integrations.registry", "booking.ical", "booking.vtimezone")
ORM = ("django.db", "booking.models", "crm.models", "resources.models", "integrations.models")
# Name of an SDK -> the folder it stays in.
SDKS = {
    "googleapiclient": "integrations/google",
    "google": "integrations/google",
    "msgraph": "integrations/outlook",
    "exchangelib": "integrations/exchange",
    "slixmpp": "integrations/presence/targets",
}
NO_FILE_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "managers", "services"}
NO_CLASS_ENDINGS = ("Manager", "Helper", "Processor", "Factory", "Handler", "Utils")
# What is shown to people, and what stands beside it.
SHOWN = {"pages", "api", "admin", "apps", "forms", "templatetags"}
# Only actions write the shop's rows; pages, API and tasks call them.
DOORS = ("pages", "api", "tasks")
WRITES = {"create", "bulk_create", "get_or_create", "update_or_create", "bulk_update", "update", "delete"}


@cache
def files() -> tuple[Path, ...]:
    """Our Python files, also those not yet committed."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    return tuple(sorted(ROOT / name for name in listed if (ROOT / name).is_file() and "migrations" not in Path(name).parts))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def imports(path: Path) -> tuple[tuple[str, bool], ...]:
    """Full dotted names of everything the file imports (`from a import b` gives a.b), each with whether that is inside a function."""
    package = module_name(path).split(".") if path.name == "__init__.py" else module_name(path).split(".")[:-1]
    found: list[tuple[str, bool]] = []

    def walk(node: ast.AST, in_function: bool) -> None:
        for one in ast.iter_child_nodes(node):
            if isinstance(one, ast.Import):
                found.extend((alias.name, in_function) for alias in one.names)
            elif isinstance(one, ast.ImportFrom):
                base = package[: len(package) - one.level + 1] if one.level else []
                prefix = ".".join([*base, *([one.module] if one.module else [])])
                found.extend((f"{prefix}.{alias.name}", in_function) for alias in one.names)
            elif isinstance(one, ast.stmt | ast.excepthandler | ast.match_case):  # nothing is imported inside an expression
                walk(one, in_function or isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef))

    walk(tree(path), False)
    return tuple(found)


def inside(name: str, prefixes: Iterator[str] | tuple[str, ...] | set[str]) -> bool:
    return any(name == prefix or name.startswith(f"{prefix}.") for prefix in prefixes)


def is_test(path: Path) -> bool:
    return "tests" in path.relative_to(ROOT).parts


def place(path: Path) -> str:
    return str(path.relative_to(ROOT))


def providers() -> list[Path]:
    return [path.parent for path in files() if path.name == "provider.py" and path.relative_to(ROOT).parts[0] == "integrations"]


def test_it_finds_the_files_of_the_house():
    assert {"manage.py", "config/urls.py", "booking/apps.py"} <= {place(path) for path in files()}


def test_nobody_imports_config():
    allowed = {"manage.py", "conftest.py"}
    guilty = [
        f"{place(path)} imports {name}"
        for path in files()
        if path.relative_to(ROOT).parts[0] not in {"config", "benchmarks"} and place(path) not in allowed
        for name, _in_function in imports(path)
        if inside(name, ("config",)) and not is_test(path)
    ]
    assert guilty == []


def test_each_app_imports_only_what_the_table_allows():
    guilty = [
        f"{place(path)} imports {name}"
        for path in files()
        if (app := path.relative_to(ROOT).parts[0]) in MAY_IMPORT and not is_test(path)
        for name, _in_function in imports(path)
        if (top := name.split(".")[0]) in OURS and top not in MAY_IMPORT[app]
    ]
    assert guilty == []


def test_pure_modules_import_the_standard_library_only():
    guilty = [
        f"{place(path)} imports {name}"
        for path in files()
        if module_name(path) in PURE
        for name, _in_function in imports(path)
        if name.split(".")[0] not in sys.stdlib_module_names and not inside(name, PURE)
    ]
    assert guilty == []


def test_providers_know_the_contract_and_neither_the_database_nor_each_other():
    guilty = [
        f"{place(path)} imports {name}"
        for folder in providers()
        for path in files()
        if path.is_relative_to(folder) and not is_test(path)
        for name, _in_function in imports(path)
        if inside(name, ORM) or (name.split(".")[0] in OURS and not inside(name, (module_name(folder / "__init__.py"), *FOR_PROVIDERS)))
    ]
    assert guilty == []


def test_the_engine_names_no_provider():
    names = tuple(module_name(folder / "__init__.py") for folder in providers())
    engine = {f"integrations.{part}" for part in ("engine", "decide", "outbox", "connect", "listening", "webhooks", "merge")}
    guilty = [
        f"{place(path)} imports {name}" for path in files() if inside(module_name(path), engine) for name, _in_function in imports(path) if inside(name, names)
    ]
    assert guilty == []


def test_nothing_below_the_pages_knows_them():
    """Seen red while alerts.py took its words from a page."""
    guilty = [
        f"{place(path)} imports {name}"
        for path in files()
        if (parts := module_name(path).split("."))[0] in APPS and not SHOWN & set(parts[1:2]) and not is_test(path)
        for name, _in_function in imports(path)
        if inside(name, tuple(f"{app}.pages" for app in APPS))
    ]
    assert guilty == []


def test_sdks_stay_in_their_folder_and_are_imported_inside_functions():
    guilty = []
    for path in files():
        for name, in_function in imports(path):
            folder = SDKS.get(name.split(".")[0])
            if folder and not (place(path).startswith(f"{folder}/") and in_function):
                guilty.append(f"{place(path)} imports {name}")
    assert guilty == []


def test_pages_api_and_tasks_leave_writing_to_actions():
    guilty = []
    for path in files():
        parts = path.relative_to(ROOT).with_suffix("").parts
        if parts[0] not in {"booking", "crm", "resources"} or parts[1:2] == () or parts[1] not in DOORS or is_test(path):
            continue
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in WRITES and "objects" in ast.dump(node.func.value):
                guilty.append(f"{place(path)}:{node.lineno} {node.func.attr}")
    assert guilty == []


def test_no_task_is_put_off_by_eta_or_countdown():
    """F16. Such a task is delivered again and again by brokers with a visibility time-out; what is due is a row. Celery's own repeating counts down too,
    three minutes where nothing is said. Seen red with each of them in a task."""
    told = {"eta", "countdown", "autoretry_for", "retry_backoff", "default_retry_delay"}
    guilty = [
        f"{place(path)}:{node.lineno}"
        for path in files()
        for node in ast.walk(tree(path))
        if (isinstance(node, ast.keyword) and node.arg in told)
        or (isinstance(node, ast.Dict) and any(isinstance(one, ast.Constant) and one.value in told for one in node.keys))
        or (path.name == "tasks.py" and isinstance(node, ast.Attribute) and node.attr == "retry")
    ]
    assert guilty == []


def test_no_file_is_longer_than_the_hard_limit():
    long = {place(path): lines for path in files() if (lines := len(path.read_text(encoding="utf-8").splitlines())) > HARD_LIMIT}
    assert long == {}


def test_each_file_says_in_its_first_line_what_lives_there():
    silent = [place(path) for path in files() if path.read_text(encoding="utf-8").strip() and not (ast.get_docstring(tree(path)) or "").strip()]
    assert silent == []


def test_no_file_or_class_has_a_name_that_says_nothing():
    named = [place(path) for path in files() if path.stem in NO_FILE_NAMES]
    named += [
        f"{place(path)}: {node.name}"
        for path in files()
        if not is_test(path) and "testing" not in path.parts
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ClassDef) and node.name.endswith(NO_CLASS_ENDINGS)
    ]
    assert named == []
