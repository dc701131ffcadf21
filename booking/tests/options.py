"""What the tests of extras, questions and files share: rows, and files that are what they say, or not."""

from __future__ import annotations

import io
import zipfile
from decimal import Decimal
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from booking.models import CustomField, Extra, Service

PDF = b"%PDF-1.4\n1 0 obj << >> endobj\n%%EOF"


def make_extra(service: Service, name: str = "Hot towel", **fields: Any) -> Extra:
    return Extra.objects.create(service=service, name=name, **{"duration": 30, "price": Decimal("5.50"), **fields})


def make_field(label: str, kind: str = "text", *services: Service, **fields: Any) -> CustomField:
    field = CustomField.objects.create(label=label, kind=kind, **fields)
    field.services.set(services)
    return field


def file(name: str, content: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def picture(kind: str = "JPEG", size: tuple[int, int] = (60, 40), **options: Any) -> bytes:
    written = io.BytesIO()
    Image.new("RGB", size, "#aa3344").save(written, kind, **options)
    return written.getvalue()


def archive(*names: str) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as made:
        for name in names:
            made.writestr(zipfile.ZipInfo(name), "<x/>")  # always of the same day
    return written.getvalue()
