"""What visitors see of events, and how they register and withdraw."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.urls import reverse
from django.utils import timezone

from booking.actions import events
from booking.links import manage_token, registration_token
from booking.models import Customer, Event, Location, Message, Registration
from booking.pages import stamp
from booking.tests.happening import make_event, register
from booking.tests.mails import booking
from booking.tests.pages import WHO, links_of, ripe_stamp, text_of
from booking.tests.salon import make_employee, soon

pytestmark = [pytest.mark.django_db, pytest.mark.once]

TYPED = {**WHO, "places": "2"}


@pytest.fixture
def event() -> Event:
    place = Location.objects.create(name="Studio", address="Lindenstraße 1")
    return make_event(make_employee("Eve", last_name="Weber"), soon(18), soon(18, days=8), location=place, capacity=3, description="Three scents.")


def url(event: Event) -> str:
    return reverse("booking:event", args=[event.slug])


def send(client, event: Event, **changes: str):
    return client.post(url(event), {**TYPED, "stamp": ripe_stamp(), **changes})


def english(client):
    client.cookies["django_language"] = "en"
    client.post(reverse("set_language"), {"language": "en"})
    return client


def test_the_list_names_what_is_coming_and_says_when_nothing_is(client):
    english(client)
    assert "No events are planned" in text_of(client.get("/events/"))
    eve = make_employee("Eve")
    make_event(eve, soon(18), name="Perfume evening")
    make_event(eve, soon(18, days=9), name="Draft", slug="draft", published=False)
    cancelled = make_event(eve, soon(18, days=10), name="Called off", slug="off")
    events.cancel(event=cancelled, now=timezone.now())
    gone = make_event(eve, soon(18, days=11), name="Long ago", slug="ago")
    gone.periods.update(start=soon(18, days=-9), end=soon(20, days=-9))
    full = make_event(eve, soon(18, days=12), soon(18, days=13), name="Full house", slug="full", capacity=1)
    register(full)
    page = text_of(client.get("/events/"))
    assert "Perfume evening" in page
    assert "10 places left" in page
    assert re.search("Full house.*and 1 more time.*sold out", page)
    assert not re.search("Draft|Called off|Long ago", page)
    assert page.index("Perfume evening") < page.index("Full house")
    assert "Or come to one of our events" in text_of(client.get("/"))


def test_the_list_needs_as_many_queries_for_many_events_as_for_one(client, django_assert_num_queries):
    """Red when the periods are not fetched along."""
    eve, finn = make_employee("Eve"), make_employee("Finn")
    make_event(eve, soon(9), staff=[finn])
    client.get("/events/")
    with django_assert_num_queries(3):
        client.get("/events/")
    for hour in (12, 14, 16):
        register(make_event(eve, soon(hour), soon(hour, days=9), staff=[finn], slug=f"at-{hour}"))
    with django_assert_num_queries(3):
        assert "Perfume" in client.get("/events/").content.decode()


def test_a_visitor_registers_and_gets_a_confirmation(client, event):
    english(client)
    page = text_of(client.get(url(event)))
    for told in ("Three scents.", "Eve Weber", "Studio", "Lindenstraße 1", "3 places left", "Europe/Berlin"):
        assert told in page
    answer = send(client, event)
    assert (answer.status_code, answer.url) == (302, reverse("booking:registered"))
    made = Registration.objects.get()
    assert (made.places, made.customer.email, made.notes, made.language) == (2, "clara@example.org", "Please ring twice.", "en")
    confirmation = client.get(answer.url)
    assert "You are registered" in text_of(confirmation)
    assert reverse("booking:registration", args=[registration_token(made)]) in links_of(confirmation)
    assert "1 place left" in text_of(client.get(url(event)))
    assert Message.objects.filter(kind="registered").count() == 2, "one to the customer, one to the organiser"


def test_sold_out_says_what_is_left_and_keeps_what_was_typed(client, event):
    """Red when the form is thrown away on SoldOut."""
    english(client)
    register(event, places=2)
    answer = send(client, event, notes="By the window")
    assert answer.status_code == 409
    assert "Only 1 place is left." in text_of(answer)
    for typed in ("Clara", "clara@example.org", "By the window", 'value="2"'):
        assert typed in answer.content.decode()
    register(event)
    answer = send(client, event, places="1")
    assert "The event is sold out." in text_of(answer)
    assert "clara@example.org" in answer.content.decode()
    assert "All places are taken" in text_of(client.get(url(event)))
    assert "Register now" not in text_of(client.get(url(event)))


@pytest.mark.parametrize(
    ("fields", "days", "said"),
    [
        ({"registration_opens": soon(9, days=2)}, 0, "Registration has not begun yet."),
        ({"registration_closes": soon(9, days=2)}, 3, "Registration has ended."),
        ({}, 7.9, "Registration has ended."),
        ({"registration_closes": soon(9, days=30)}, 9, "The event is over."),
    ],
)
def test_who_comes_too_early_or_too_late_is_told_and_loses_nothing(client, fields, days, said):
    event = make_event(make_employee(), soon(18), soon(18, days=8), **fields)
    english(client)
    with time_machine.travel(datetime.now(UTC) + timedelta(days=days), tick=False):
        assert "Register now" not in text_of(client.get(url(event)))
        answer = send(client, event)
        assert answer.status_code == 409
        assert said in text_of(answer)
        assert "clara@example.org" in answer.content.decode()
    assert not Registration.objects.exists()


def test_what_is_typed_wrongly_is_marked_and_stays(client, event):
    english(client)
    answer = send(client, event, email="nonsense", places="0", phone="call me")
    assert answer.status_code == 400
    assert answer.content.decode().count('aria-invalid="true"') == 3
    assert "nonsense" in answer.content.decode()
    assert "At most 5 places can be booked at once." in text_of(send(client, make_event(make_employee("Finn"), slug="big", capacity=50), places="6"))


def test_the_same_form_sent_twice_registers_once(client, event):
    """Red without once(): two registrations, four mails."""
    sent = ripe_stamp()
    first, second = (send(client, event, stamp=sent) for _ in range(2))
    assert (first.status_code, second.status_code) == (302, 302)
    assert Registration.objects.count() == 1
    assert Message.objects.count() == 2
    assert send(client, event, stamp=sent, places="1").status_code == 409


def test_machines_get_a_confirmation_of_nothing(client, event):
    english(client)
    for caught in ({"website": "http://evil.example"}, {"stamp": stamp.new()}):
        assert "You are registered" in text_of(client.get(send(client, event, **caught).url))
    assert not Registration.objects.exists()
    assert not Customer.objects.exists()
    assert send(client, event, stamp="forged").status_code == 400


def test_drafts_are_nowhere_and_cancelled_events_say_so(client, event):
    english(client)
    draft = make_event(make_employee("Finn"), slug="draft", published=False)
    assert client.get(url(draft)).status_code == 404
    assert send(client, draft).status_code == 404
    events.cancel(event=event, now=timezone.now())
    assert "This event does not take place." in text_of(client.get(url(event)))
    assert send(client, event).status_code == 409


def test_a_cancelled_period_is_struck_out(client, event):
    english(client)
    events.cancel_period(period=event.periods.last(), now=timezone.now())
    page = client.get(url(event)).content.decode()
    assert page.count("<del>") == 1
    assert "cancelled" in page


def test_looking_at_the_link_changes_nothing_and_the_button_withdraws_once(client, event):
    """Red when cancel() answers GET by acting."""
    english(client)
    made = register(event, places=2)
    token = registration_token(made)
    page, question = reverse("booking:registration", args=[token]), reverse("booking:registration_cancel", args=[token])
    for _ in range(2):
        assert client.get(page).status_code == client.get(question).status_code == 200
    assert Registration.objects.get().is_live
    sent = ripe_stamp()
    first, second = (client.post(question, {"stamp": sent}, follow=True) for _ in range(2))
    for answer in (first, second):
        assert "Your registration has been cancelled." in text_of(answer)
    assert not Registration.objects.get().is_live
    assert client.get(page).status_code == 404, "the old link is dead"
    assert "3 places left" in text_of(client.get(url(event)))
    again = reverse("booking:registration_cancel", args=[registration_token(Registration.objects.get())])
    assert "already been cancelled" in text_of(client.post(again, {"stamp": ripe_stamp()}))


def test_after_it_began_one_has_to_call(client, event):
    english(client)
    made = register(event)
    with time_machine.travel(soon(19), tick=False):
        question = reverse("booking:registration_cancel", args=[registration_token(made)])
        assert "can't be cancelled online" in text_of(client.get(question))
        assert "The event has begun" in text_of(client.post(question, {"stamp": ripe_stamp()}))
    made.refresh_from_db()
    assert made.is_live


def test_links_of_appointments_and_registrations_do_not_open_each_other(client, event):
    made, attendance = register(event), booking()
    for name, token in (("registration", manage_token(attendance)), ("manage", registration_token(made)), ("registration", "forged")):
        assert client.get(reverse(f"booking:{name}", args=[token])).status_code == 404
    with time_machine.travel(soon(20, days=40), tick=False):
        assert client.get(reverse("booking:registration", args=[registration_token(made)])).status_code == 404


def test_all_bookings_of_a_customer_are_on_one_page(client, event):
    from booking.links import panel_token

    made = register(event)
    page = client.get(reverse("booking:panel", args=[panel_token(made.customer)]))
    assert "Perfume evening" in text_of(page)
    assert reverse("booking:registration", args=[registration_token(made)]) in links_of(page)


def test_registering_is_throttled_as_booking_is(client, event, settings):
    """Red without @throttled: the third is answered with 302."""
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": {**settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"], "book": "2/min"}}
    codes = [send(client, event, places="1", email=f"{number}@example.org").status_code for number in range(3)]
    assert codes == [302, 302, 429]
