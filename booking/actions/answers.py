"""Writes what customers answer, and keeps the files they send."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from django.core.files.base import File
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext as _

from booking.errors import TooMany
from booking.models import Answer, Attendance, Category, CustomField, Service, Upload
from booking.uploads import Checked

# So long a file waits for the form that it belongs to.
WAITING = timedelta(days=1)
# Strangers can't fill the disk: so many bytes wait at most.
MOST_WAITING = 1024**3


class Given(NamedTuple):
    """`value` as Answer keeps it."""

    field: CustomField
    value: str
    upload: Upload | None = None


def note(attendance: Attendance, given: Iterable[Given]) -> None:
    Answer.objects.bulk_create(
        Answer(attendance=attendance, field=one.field, label=one.field.label, kind=one.field.kind, value=one.value, upload=one.upload) for one in given
    )


def keep(file: Checked) -> Upload:
    """Keeps a file until a booking refers to it; TooMany while too much waits."""
    waiting = Upload.objects.filter(answers=None).aggregate(size=Sum("size"))["size"] or 0
    if waiting + file.size > MOST_WAITING:
        raise TooMany(_("Too many files have been sent lately. Please try again later."))
    return Upload.objects.create(file=File(file.file, name=file.name), name=file.name, media_type=file.media_type, size=file.size, digest=file.digest)


def purge(*, now: datetime) -> int:
    """Deletes files that nothing refers to any more, once they are a day old; returns how many."""
    forgotten = Upload.objects.filter(answers=None, created_at__lte=now - WAITING)
    count = 0
    for upload in forgotten:
        with transaction.atomic():
            # A booking that has just referred to it keeps it.
            gone = Upload.objects.filter(pk=upload.pk, answers=None).delete()[0]
        if gone:
            default_storage.delete(str(upload.file.name))
            count += 1
    return count + _purge_pictures(now)


def _purge_pictures(now: datetime) -> int:
    """Those that were replaced, or whose service was deleted."""
    if not default_storage.exists("pictures"):
        return 0
    shown = {name for model in (Service, Category) for name in model._default_manager.exclude(picture="").values_list("picture", flat=True)}
    count = 0
    for name in default_storage.listdir("pictures")[1]:
        path = f"pictures/{name}"
        if path not in shown and default_storage.get_modified_time(path) <= now - WAITING:
            default_storage.delete(path)
            count += 1
    return count
