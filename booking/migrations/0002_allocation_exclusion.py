"""No two allocations of one calendar overlap: PostgreSQL refuses it by itself. SQLite has no such constraint; there the write lock stands in."""

from __future__ import annotations

from typing import Any

from django.db import migrations

ADD = """
ALTER TABLE booking_allocation ADD CONSTRAINT allocation_exclusive
EXCLUDE USING gist (calendar_id WITH =, tstzrange("start", "end", '[)') WITH &&)
"""


def add(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("CREATE EXTENSION IF NOT EXISTS btree_gist")
        schema_editor.execute(ADD)


def remove(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("ALTER TABLE booking_allocation DROP CONSTRAINT allocation_exclusive")


class Migration(migrations.Migration):
    dependencies = [("booking", "0001_initial")]
    operations = [migrations.RunPython(add, remove)]
