"""What is written and read past Django is what Django would have written and read."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection, models
from django.forms import model_to_dict
from django.utils import timezone

from booking.actions import appointments
from booking.actions.customers import Guest
from booking.models import Appointment, Attendance, Customer, Message, Service
from booking.models.quick import insert, select
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


@pytest.mark.parametrize("returning", [True, False])
def test_several_rows_get_their_keys_and_their_first_versions(attendance, employee, monkeypatch, returning):
    """Red when the keys are given in another order, when the versions are left out, and when a version copies the columns of another row."""
    if not returning:
        if connection.vendor != "sqlite":
            pytest.skip("PostgreSQL has always had RETURNING")
        monkeypatch.setattr(connection.features.__class__, "can_return_columns_from_insert", False)
    user = employee.user
    booked = attendance.appointment
    times = {"service": booked.service, "start": soon(11), "end": soon(12), "internal_note": "100 %s {new}"}
    saved, inserted = Appointment(**times), Appointment(**times)
    customer = Customer(first_name="Dora", email="dora@example.org")
    rows: list[Any] = [saved, inserted, customer]
    for row in rows:
        row._change_reason, row._history_user = "typed", user
    saved.save()
    insert(inserted, customer)
    assert (Appointment.objects.get(pk=inserted.pk).uuid, Customer.objects.get(pk=customer.pk).first_name) == (inserted.uuid, "Dora")
    assert stored(inserted) | {"uuid": None} == stored(saved) | {"uuid": None}
    (first,), (usual,), (of_customer,) = (row.history.all() for row in (inserted, saved, customer))
    own = ("history_id", "history_date", "id", "uuid", "created_at")
    assert {**model_to_dict(first), **dict.fromkeys(own)} == {**model_to_dict(usual), **dict.fromkeys(own)}
    assert (first.id, first.uuid, first.created_at) == (inserted.pk, inserted.uuid, inserted.created_at)
    assert (first.history_type, first.history_user, first.history_change_reason) == ("+", user, "typed")
    assert abs(first.history_date - usual.history_date).total_seconds() < 5
    assert (of_customer.id, of_customer.email, of_customer.history_type) == (customer.pk, "dora@example.org", "+")


def test_a_version_leaves_out_what_the_history_leaves_out(attendance):
    """Red when all columns are copied: the history has no link_version."""
    (version,) = attendance.history.all()
    assert (version.id, version.price, version.appointment_id) == (attendance.pk, attendance.price, attendance.appointment_id)
    insert()  # nothing is nothing


def test_rows_that_are_selected_are_the_rows_that_would_be_got(attendance):
    """Red on SQLite when the database's values are not converted: it keeps times as text and prices as numbers."""
    for model, pk in ((Service, attendance.appointment.service_id), (Appointment, attendance.appointment_id), (Attendance, attendance.pk)):
        (found,) = select(model, "id = %s", pk)
        assert model.objects.filter(pk=pk).values().get() == {field.attname: getattr(found, field.attname) for field in model._meta.concrete_fields}
        found.save()  # it knows that it is in the table
        assert model.objects.count() == 1
    assert select(Service, "id = %s AND is_active", 0) == []


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
