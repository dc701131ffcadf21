"""Extras are chosen before the time, lengthen the appointment and raise its price; employees may have their own price and length."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from booking.actions import appointments
from booking.actions.customers import Guest
from booking.actions.extras import Chosen
from booking.errors import SlotTaken
from booking.links import manage_token
from booking.models import Allocation, Appointment, Attendance, Extra, Offer, Service
from booking.tests.options import make_extra
from booking.tests.pages import WHO, details_url, links_of, ripe_stamp, send, text_of
from booking.tests.salon import make_employee, make_service, soon

pytestmark = pytest.mark.django_db


@pytest.fixture
def service() -> Service:
    return make_service(make_employee("Eve"), make_employee("Adam"))


def page_of(service: Service) -> str:
    return reverse("booking:service", args=[service.pk])


def times_of(client: Client, service: Service, **query: str):
    day = soon().date().isoformat()
    return client.get(reverse("booking:time", args=[service.pk]), {"employee": "any", "date": day, "timezone": "Europe/Berlin", **query})


@pytest.mark.feature("P2")
def test_it_books_with_extras_from_the_services_page_to_the_confirmation(client, service):
    """Red when `chosen` is not passed on in pages/book.py, or `added` is left out of actions/appointments._choose."""
    towel, tea = make_extra(service, max_quantity=2), make_extra(service, "Tea", duration=0, price=0)
    page = client.get(page_of(service))
    assert "Would you like to add something?" in text_of(page)
    # The form goes to the same page, which leads on.
    times = client.get(page_of(service), {"extras": "chosen", f"extra_{towel.pk}": "2", f"extra_{tea.pk}": "1", "employee": "any"}, follow=True)
    assert "2 × Hot towel" in text_of(times)
    assert "46 €" in text_of(times)
    details = next(link for link in links_of(times_of(client, service, extras="chosen", **{f"extra_{towel.pk}": "2"})) if "/details/" in link)
    form = client.get(details)
    assert "1 h 30 min · 46 €" in text_of(form)
    booked = client.post(details, {**WHO, "start": form.context["start"].isoformat(), "stamp": ripe_stamp()}, follow=True)

    attendance = Attendance.objects.get()
    appointment = attendance.appointment
    assert appointment.end - appointment.start == timedelta(minutes=90)
    assert Allocation.objects.get().end == appointment.end
    assert attendance.price == Decimal("46.00")
    assert [(one.name, one.quantity, one.price, one.duration) for one in attendance.extras.all()] == [("Hot towel", 2, Decimal("5.50"), 30)]
    assert "+ 2 × Hot towel" not in text_of(booked)  # the sign is drawn by the style sheet
    assert "2 × Hot towel" in text_of(booked)
    manage = next(link for link in links_of(booked) if link.startswith("/booking/"))
    assert "2 × Hot towel" in text_of(client.get(manage))


@pytest.mark.feature("P2")
def test_only_times_that_are_long_enough_are_offered(client, service):
    """Red when pick() in pages/book.py is not told of `added`."""
    towel = make_extra(service)
    until = [one.start for one in times_of(client, service).context["picker"].times][-1]
    longer = [one.start for one in times_of(client, service, **{f"extra_{towel.pk}": "1"}).context["picker"].times][-1]
    assert (until, longer) == (soon(16, 30), soon(16))
    # Of what is offered without, the last is refused with it, and the nearest offered instead fit.
    answer = send_with(client, service, soon(16, 30), f"extra_{towel.pk}=1")
    assert answer.status_code == 409
    assert soon(16) in [slot.start for slot in answer.context["alternatives"]]
    assert not Appointment.objects.exists()


def send_with(client: Client, service: Service, start, query: str, **changes: str):
    return client.post(f"{details_url(service, start)}&{query}", {**WHO, "start": start.isoformat(), "stamp": ripe_stamp(), **changes})


def test_a_service_without_extras_asks_nothing_and_one_with_them_asks_even_when_there_is_one_employee(client):
    plain, rich = make_service(make_employee("Eve")), make_service(make_employee("Adam"), name="Colour")
    make_extra(rich)
    make_extra(plain, is_active=False)
    assert client.get(page_of(plain)).status_code == 302
    page = client.get(page_of(rich))
    assert page.status_code == 200
    assert "Choose a time" in text_of(page)
    assert client.get(page_of(rich), {"extras": "chosen"}).status_code == 302


@pytest.mark.feature("P2")
def test_a_deep_link_chooses_extras(client, service):
    """Red when EXTRA is left out of what time() keeps."""
    towel = make_extra(service)
    eve = service.employees.get(first_name="Eve")
    query = {"employee": eve.pk, "date": soon().date().isoformat(), "time": "10:00", f"extra_{towel.pk}": "1", "timezone": "Europe/Berlin"}
    form = client.get(page_of(service), query, follow=True)
    assert form.redirect_chain[-1][0].startswith(f"/service/{service.pk}/details/")
    assert form.context["quote"].price == Decimal("40.50")
    assert form.context["end"] - form.context["start"] == timedelta(hours=1)


@pytest.mark.parametrize(
    ("wish", "words"), [("3", "At most 2"), ("-1", "Please enter a number"), ("x", "Please enter a number"), ("1.5", "Please enter a number")]
)
def test_an_impossible_number_is_refused_at_the_field(client, service, wish, words):
    towel = make_extra(service, max_quantity=2)
    answer = client.get(page_of(service), {f"extra_{towel.pk}": wish, "employee": "any", "first_name": "Clara"})
    assert answer.status_code == 400
    assert words in text_of(answer)
    assert f'value="{wish}"' in answer.content.decode()
    assert 'name="first_name" value="Clara"' in answer.content.decode()
    assert times_of(client, service, **{f"extra_{towel.pk}": wish}).status_code == 302


def test_what_is_no_longer_offered_is_said_and_nothing_typed_is_lost(client, service):
    """Red when _remember() is not called where the choice is gone."""
    towel, gone = make_extra(service), make_extra(make_service(make_employee("Zoe"), name="Other"))
    for wrong in (gone.pk, 999_999, "x"):
        assert "no longer offered" in text_of(client.get(page_of(service), {f"extra_{wrong}": "1", "employee": "any"}))
    Extra.objects.update(is_active=False)
    answer = send_with(client, service, soon(), f"extra_{towel.pk}=1", first_name="Dora")
    assert answer.status_code == 302
    assert "no longer offered" in text_of(client.get(answer.url))
    assert client.get(details_url(service, soon())).context["form"]["first_name"].value() == "Dora"
    assert not Appointment.objects.exists()


@pytest.mark.feature("P2")
def test_each_employee_has_an_own_price_and_length(client, service):
    """Red when load.py doesn't read price and duration, or a Slot has the service's."""
    eve, adam = service.employees.order_by("pk")
    Offer.objects.filter(service=service, employee=eve).update(price="50", duration=75)
    assert "from 35 €" in text_of(client.get("/", follow=True))
    people = client.get(page_of(service))
    assert "from 30 min from 35 €" in text_of(people)
    assert "1 h 15 min 50 €" in text_of(people)
    assert times_of(client, service, employee=str(eve.pk)).context["picker"].times[-1].start == soon(15, 30)
    assert times_of(client, service).context["picker"].times[-1].start == soon(16, 30)
    send(client, service, soon(), employee=eve.pk)
    send(client, service, soon(), employee=adam.pk, email="d@example.org")
    booked = {one.appointment.employees.get(): (one.price, one.appointment.end) for one in Attendance.objects.all()}
    assert booked == {eve: (Decimal(50), soon(11, 15)), adam: (Decimal(35), soon(10, 30))}


def test_the_price_of_anyone_is_exact_where_only_one_is_free(client, service):
    eve = service.employees.get(first_name="Eve")
    Offer.objects.filter(service=service, employee=eve).update(price="50")
    assert "from 35 €" in text_of(client.get(details_url(service, soon())))
    send(Client(), service, soon(), employee=service.employees.get(first_name="Adam").pk)
    assert "30 min · 50 €" in text_of(client.get(details_url(service, soon())))


def test_the_same_form_sent_again_with_other_extras_is_another_wish(client, service):
    towel, sent = make_extra(service), ripe_stamp()
    assert send(client, service, soon(), sent=sent).status_code == 302
    assert send_with(client, service, soon(), f"extra_{towel.pk}=1", stamp=sent).status_code == 409
    assert Appointment.objects.count() == 1


@pytest.mark.feature("P7")
def test_an_appointment_with_extras_is_moved_with_its_whole_length(client, service):
    """Red when reschedule() or the picker of pages/manage.py looks for the service's own length."""
    towel = make_extra(service, duration=60)
    guest = Guest("Clara", "clara@example.org", "Kunde")
    booked = appointments.book(service=service, start=soon(), guest=guest, now=timezone.now(), employee=None, chosen=[Chosen(towel, 1)])
    page = client.get(reverse("booking:manage_reschedule", args=[manage_token(booked)]), {"date": soon().date().isoformat(), "timezone": "Europe/Berlin"})
    assert page.context["picker"].times[-1].start == soon(15, 30)
    with pytest.raises(SlotTaken):
        appointments.reschedule(appointment=booked.appointment, start=soon(16), now=timezone.now())
    appointments.reschedule(appointment=booked.appointment, start=soon(15, 30), now=timezone.now())
    booked.refresh_from_db()
    assert booked.appointment.end == soon(17)
    assert booked.price == Decimal("40.50")


def test_a_machine_sees_what_a_person_would_and_books_nothing(client, service):
    towel = make_extra(service)
    answer = send_with(client, service, soon(), f"extra_{towel.pk}=1", website="http://spam.example")
    page = text_of(client.get(answer.url))
    assert "40.50 €" in page
    assert "Hot towel" in page
    assert not Appointment.objects.exists()
