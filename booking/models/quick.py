"""Rows found and inserted by statements that are put together once: for Django that takes longer than for the server to carry them out."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any, NamedTuple, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections, models
from django.utils import timezone

SELECT = "SELECT {columns} FROM {table}"
INSERT = "INSERT INTO {table} ({columns}) VALUES ({places})"
# The first version of a row, which is read from {new}; simple-history writes the same.
VERSION = """
INSERT INTO {table} ({columns}, history_date, history_user_id, history_change_reason, history_type) SELECT {columns}, %s, %s, %s, '+' FROM {{new}}
"""
KEY = "(SELECT {key} FROM {new})"

Row = TypeVar("Row", bound=models.Model)


class _Insertion(NamedTuple):
    """Statements for one row; no `version` for what has no history."""

    fields: list[models.Field[Any, Any]]
    row: str
    version: str
    key: str


def select(model: type[Row], condition: str, *values: Any) -> list[Row]:
    """The rows that meet a condition, which is SQL."""
    connection = connections[DEFAULT_DB_ALIAS]
    statement, names, converters = _selection(model)
    with connection.cursor() as cursor:
        cursor.execute(f"{statement} WHERE {condition}", values)
        rows = [list(row) for row in cursor.fetchall()]
    for row in rows:
        for place, convert, column in converters:
            row[place] = convert(row[place], column, connection)
    return [model.from_db(connection.alias, names, row) for row in rows]


def insert(*rows: models.Model) -> None:
    """Saves new rows and gives them their keys, on PostgreSQL by one statement for all; with what has a history its first version. No signal is sent."""
    if not rows:
        return
    connection = connections[DEFAULT_DB_ALIAS]  # not the proxy, which each field would ask several times
    if not connection.features.can_return_columns_from_insert:  # SQLite before 3.35
        for row in rows:
            models.Model.save(row, force_insert=True)
        return
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            values = [value for row in rows for value in (*_values(row, connection), *_occasion(row, connection))]
            cursor.execute(_together(tuple(type(row) for row in rows)), values)
            keys = cursor.fetchone()
        else:
            keys = [_insert_one(row, connection, cursor) for row in rows]
    for row, key in zip(rows, keys, strict=True):
        row.pk = key
        row._state.adding, row._state.db = False, connection.alias


def _insert_one(row: models.Model, connection: Any, cursor: Any) -> Any:
    insertion = _insertion(type(row))
    cursor.execute(f"{insertion.row} RETURNING {insertion.key}", _values(row, connection))
    (key,) = cursor.fetchone()
    if insertion.version:
        new = connection.ops.quote_name(row._meta.db_table)
        cursor.execute(f"{insertion.version.format(new=new)} WHERE {insertion.key} = %s", [*_occasion(row, connection), key])
    return key


def _values(row: models.Model, connection: Any) -> list[Any]:
    return [field.get_db_prep_save(field.pre_save(row, add=True), connection) for field in _insertion(type(row)).fields]


def _occasion(row: models.Model, connection: Any) -> list[Any]:
    """When, by whom and why, for the version."""
    if (history := _history(type(row))) is None:
        return []
    user = history.get_default_history_user(row)
    return [connection.ops.adapt_datetimefield_value(timezone.now()), user and user.pk, getattr(row, "_change_reason", None)]


@cache
def _history(model: type[models.Model]) -> Any:
    name = getattr(model._meta, "simple_history_manager_attribute", None)
    return getattr(model, name).model if name else None


@cache
def _selection(model: type[models.Model]) -> tuple[str, list[str], list[tuple[int, Any, Any]]]:
    """What the statement begins with, the names of its columns, and what makes values of what the database gives, by place."""
    connection, fields = connections[DEFAULT_DB_ALIAS], model._meta.concrete_fields
    columns = [field.get_col(model._meta.db_table) for field in fields]
    converters = [
        (place, convert, column)
        for place, column in enumerate(columns)
        for convert in [*connection.ops.get_db_converters(column), *column.get_db_converters(connection)]
    ]
    return SELECT.format(columns=_columns(fields), table=_quoted(model._meta.db_table)), [field.attname for field in fields], converters


@cache
def _together(kinds: tuple[type[models.Model], ...]) -> str:
    """A row of each kind, its version, and the keys that the rows get."""
    parts, keys = [], []
    for place, kind in enumerate(kinds):
        insertion, new = _insertion(kind), f"new_{place}"
        parts.append(f"{new} AS ({insertion.row} RETURNING *)")
        if insertion.version:
            parts.append(f"version_{place} AS ({insertion.version.format(new=new)})")
        keys.append(KEY.format(key=insertion.key, new=new))
    return f"WITH {', '.join(parts)} SELECT {', '.join(keys)}"


@cache
def _insertion(model: type[models.Model]) -> _Insertion:
    fields = [field for field in model._meta.concrete_fields if not field.primary_key]
    row = INSERT.format(table=_quoted(model._meta.db_table), columns=_columns(fields), places=", ".join(["%s"] * len(fields)))
    version = ""
    if (history := _history(model)) is not None:
        version = VERSION.format(table=_quoted(history._meta.db_table), columns=_columns(history.tracked_fields))
    return _Insertion(fields, row, version, _quoted(model._meta.pk.column))


def _columns(fields: Iterable[models.Field[Any, Any]]) -> str:
    return ", ".join(_quoted(field.column) for field in fields)


def _quoted(name: Any) -> str:
    return connections[DEFAULT_DB_ALIAS].ops.quote_name(name)
