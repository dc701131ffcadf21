"""Pictures that the shop shows: a field that keeps only what it has read and written anew itself."""

from __future__ import annotations

import secrets
from typing import Any

from django.db import models

from booking.pictures import PictureFormField


def picture_name(instance: models.Model, filename: str) -> str:
    """Random, so that an address never stands for two pictures and may be cached for ever."""
    return f"pictures/{secrets.token_hex(16)}.webp"


class PictureField(models.FileField):
    def __init__(self, verbose_name: Any = None, **options: Any) -> None:
        super().__init__(verbose_name, **{"upload_to": picture_name, "blank": True, **options})

    def formfield(self, **options: Any) -> Any:
        return super().formfield(**{"form_class": PictureFormField, **options})
