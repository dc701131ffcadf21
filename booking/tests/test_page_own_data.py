"""What customers may do with their own data: correct it, take it along, have it erased."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.apps import apps
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from booking.actions import appointments, erasure
from booking.actions.customers import Guest
from booking.errors import WrongState
from booking.links import manage_token, panel_token
from booking.models import Attendance, Customer, ErasureRequest, Message
from booking.tests.pages import text_of
from booking.tests.salon import make_employee, make_service, soon

pytestmark = pytest.mark.django_db

CLARA = Guest("Clara-CANARY", "canary@example.org", "Kunde-CANARY", "+49 30 CANARY")


@pytest.fixture
def booked() -> Attendance:
    service = make_service(make_employee("Eve"))
    return appointments.book(service=service, start=soon(10), guest=CLARA, now=timezone.now(), notes="My CANARY is ill.")


def panel(customer: Customer, page: str = "panel") -> str:
    return reverse(f"booking:{page}", args=[panel_token(customer)])


@pytest.mark.feature("P7")
def test_the_panel_shows_what_was_booked_under_the_same_address_with_another_phone(client, booked):
    """Red when the panel asks for the one customer only."""
    again = Guest("Clara-CANARY", "Canary@Example.org", "Kunde-canary")
    appointments.book(service=booked.appointment.service, start=soon(12), guest=again, now=timezone.now())
    appointments.book(service=booked.appointment.service, start=soon(14), guest=Guest("Otto", "canary@example.org"), now=timezone.now())
    page = client.get(panel(booked.customer))
    assert len(page.context["coming"]) == 2
    assert "Otto" not in text_of(page)


@pytest.mark.feature("P7")
def test_name_and_phone_are_corrected_and_the_history_knows(client, booked):
    """Red when the form saves nothing."""
    answer = client.post(panel(booked.customer, "customer_data"), {"first_name": "Klara", "last_name": "Kunde", "phone": "030 1"}, follow=True)
    assert "Your data has been saved." in text_of(answer)
    booked.customer.refresh_from_db()
    assert (booked.customer.full_name, booked.customer.phone) == ("Klara Kunde", "030 1")
    assert booked.customer.history.first().history_change_reason == "customer's link"


@pytest.mark.parametrize(("field", "value"), [("first_name", ""), ("first_name", "A\r\nBcc: x@example.org"), ("phone", "call me"), ("last_name", "x" * 151)])
def test_wrong_input_is_told_at_the_field_and_changes_nothing(client, booked, field, value):
    answer = client.post(panel(booked.customer, "customer_data"), {"first_name": "Klara", "last_name": "Kunde", "phone": "030 1", field: value})
    assert answer.status_code == 400
    assert answer.context["form"].errors.keys() == {field}
    booked.customer.refresh_from_db()
    assert booked.customer.first_name == "Clara-CANARY"


def test_more_than_the_fields_is_not_taken(client, booked):
    client.post(panel(booked.customer, "customer_data"), {"first_name": "K", "last_name": "K", "phone": "", "email": "thief@example.org", "note": "vip"})
    booked.customer.refresh_from_db()
    assert (booked.customer.email, booked.customer.note) == ("canary@example.org", "")


@pytest.mark.feature("P7")
def test_all_data_is_handed_over_and_nothing_internal(client, booked):
    """Red when a part is left out of personal_data.of, and when it tells the staff's notes."""
    booked.appointment.internal_note = "SECRET"
    booked.appointment.save()
    Customer.objects.filter(pk=booked.customer_id).update(note="SECRET")
    answer = client.get(panel(booked.customer, "customer_export"))
    told = answer.json()
    assert told["customers"][0]["email"] == "canary@example.org"
    assert told["appointments"][0] | {"id": str(booked.uuid), "notes": "My CANARY is ill.", "price": "35.00"} == told["appointments"][0]
    assert [one["kind"] for one in told["messages"]] == ["booked"]
    assert "SECRET" not in answer.content.decode()
    assert "attachment" in answer["Content-Disposition"]


@pytest.mark.feature("P7")
def test_the_wish_to_be_erased_is_asked_about_noted_once_and_carried_out_by_staff(client, admin_client, booked):
    """Red when GET notes it, and when the action erases without asking."""
    assert client.get(panel(booked.customer, "customer_erase")).status_code == 200
    assert not ErasureRequest.objects.exists()
    for _ in range(2):
        client.post(panel(booked.customer, "customer_erase"))
    wish = ErasureRequest.objects.get()
    listed = reverse("admin:booking_erasurerequest_changelist")
    asked = {"action": "erase", "_selected_action": [wish.pk]}
    assert "can't be undone" in text_of(admin_client.post(listed, asked))
    # Something is still to come.
    assert "Please cancel it first." in text_of(admin_client.post(listed, asked | {"confirmed": "1"}, follow=True))
    appointments.cancel(appointment=booked.appointment, now=timezone.now())
    assert "has been erased" in text_of(admin_client.post(listed, asked | {"confirmed": "1"}, follow=True))
    wish.refresh_from_db()
    assert wish.done_at is not None


def test_nothing_of_the_person_is_left_in_any_table(booked):
    """Each text of the whole database is looked at. Red without the versions, the mails, or the notes."""
    token = manage_token(booked)
    erasure.ask(booked.customer, now=timezone.now())
    with pytest.raises(WrongState):
        erasure.erase(booked.customer, now=timezone.now())
    assert "CANARY" in everything().upper()
    with time_machine.travel(booked.appointment.end + timedelta(hours=1), tick=False):
        erasure.erase(booked.customer, now=timezone.now())
    assert "CANARY" not in everything().upper()
    booked.refresh_from_db()
    assert booked.price == 35
    assert manage_token(booked) != token
    assert Message.objects.filter(state=Message.State.OPEN, audience=Message.Audience.CUSTOMER).count() == 0


def everything() -> str:
    """All that stands in the shop's tables, as text."""
    found = []
    for model in apps.get_models():
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(model._meta.db_table)}")
            found += [str(row) for row in cursor.fetchall()]
    return "\n".join(found)
