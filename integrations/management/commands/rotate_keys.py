"""`manage.py rotate_keys`: encrypts every stored secret anew with the first key of KALENDS_ENCRYPTION_KEYS."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError
from django.db import models, transaction

from integrations.models.encrypted import EncryptedJSONField, WrongKey


class Command(BaseCommand):
    help = "Encrypts all stored secrets with the first key. Afterwards the other keys may be removed."

    def handle(self, *args: Any, **options: Any) -> None:
        count = 0
        for model in apps.get_models():
            for field in model._meta.local_fields:
                if isinstance(field, EncryptedJSONField):
                    count += self._rotate(model, field)
        self.stdout.write(f"{count} secrets are encrypted with the first key. The other keys may be removed now.")

    def _rotate(self, model: type[models.Model], field: EncryptedJSONField) -> int:
        """Row by row under its lock: a secret that is changed meanwhile is not overwritten with the old one."""
        count = 0
        for pk in model._default_manager.values_list("pk", flat=True).order_by("pk"):
            with transaction.atomic():
                try:
                    row = model._default_manager.select_for_update(of=("self",)).only("pk", field.attname).filter(pk=pk).first()
                except WrongKey as error:
                    raise CommandError(f"{model._meta.label} {pk}: {error} Nothing of it was changed; {count} rows before it were.") from error
                if row is not None and getattr(row, field.attname):
                    row.save(update_fields=[field.attname])
                    count += 1
        return count
