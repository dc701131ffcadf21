"""What is written past Django's save() is what save() would have written."""

from __future__ import annotations

import pytest
from django.db import connection, models
from django.forms import model_to_dict
from django.utils import timezone

from booking.actions import appointments
from booking.actions.customers import Guest
from booking.models import Attendance, Customer, Message
from booking.models.quick import insert
from booking.tests.salon import make_employee, make_service, soon

pytestmark = pytest.mark.django_db


@pytest.fixture
def attendance() -> Attendance:
    guest = Guest(first_name="Clara", email="clara@example.org")
    return appointments.book(service=make_service(make_employee("Eve")), start=soon(10), guest=guest, now=timezone.now())


def message(attendance: Attendance, version: int) -> Message:
    made = Message(kind="booked", audience="customer", attendance=attendance, version=version, recipient="ä@example.org", context={"a": ["ü", 1]})
    made.not_before = timezone.now().replace(microsecond=7)
    return made


def stored(row: models.Model) -> dict[str, object]:
    values = type(row)._default_manager.filter(pk=row.pk).values().get()
    return {name: value for name, value in values.items() if name not in ("id", "version", "created_at")}


@pytest.mark.parametrize("returning", [True, False])
def test_a_row_that_is_inserted_is_the_row_that_would_be_saved(attendance, monkeypatch, returning):
    """Without RETURNING too, as in old SQLite. Red when values are not prepared by their fields, and when a default is left out."""
    if not returning:
        if connection.vendor != "sqlite":
            pytest.skip("PostgreSQL has always had RETURNING")
        monkeypatch.setattr(connection.features.__class__, "can_return_columns_from_insert", False)
    saved = message(attendance, 11)
    inserted = message(attendance, 12)
    saved.save()
    insert(inserted)
    assert stored(inserted) == stored(saved)
    assert abs(inserted.created_at - saved.created_at).total_seconds() < 5
    inserted.version = 13
    inserted.save()  # it knows that it is in the table
    assert Message.objects.filter(version__gte=11).count() == 2


def test_a_history_can_be_edited_and_keeps_the_number_it_is_given(attendance):
    """Red when every version that is saved is inserted, and when one that has a number gets another."""
    history = Customer.history
    first = history.get()
    first.history_change_reason = "typed wrongly"
    first.save()
    assert history.get().history_change_reason == "typed wrongly"
    copy = history.get()
    copy.pk, copy._state.adding = first.pk + 1000, True
    copy.save()
    assert sorted(history.values_list("pk", flat=True)) == [first.pk, first.pk + 1000]
    assert model_to_dict(copy) == model_to_dict(first) | {"history_id": first.pk + 1000}
