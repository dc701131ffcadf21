"""New rows by statements that are put together once: for Django that takes longer than for the server to carry them out."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.db import connection, models


def insert(row: models.Model) -> None:
    """Saves a new row and gives it its key. No signal is sent: what has a history is saved by save()."""
    if not connection.features.can_return_columns_from_insert:  # SQLite before 3.35
        models.Model.save(row, force_insert=True)
        return
    statement, fields = _insertion(type(row))
    with connection.cursor() as cursor:
        cursor.execute(statement, [field.get_db_prep_save(field.pre_save(row, add=True), connection) for field in fields])
        (row.pk,) = cursor.fetchone()
    row._state.adding, row._state.db = False, connection.alias


@cache
def _insertion(model: type[models.Model]) -> tuple[str, list[models.Field[Any, Any]]]:
    quote = connection.ops.quote_name
    fields = [field for field in model._meta.concrete_fields if not field.primary_key]
    columns = ", ".join(quote(str(field.column)) for field in fields)
    places = ", ".join(["%s"] * len(fields))
    statement = "INSERT INTO {} ({}) VALUES ({}) RETURNING {}"
    return statement.format(quote(model._meta.db_table), columns, places, quote(str(model._meta.pk.column))), fields
