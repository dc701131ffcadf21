"""What those who registered for an event are told, and the organiser: what is true, once, in their language, with the entry for the calendar."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from booking import ical
from booking.actions import events, registrations
from booking.models import Event, Location, Message
from booking.notifications.placeholders import Where, allowed_in
from booking.notifications.placeholders.event_values import times, values_for_registration
from booking.tests.happening import make_event, register
from booking.tests.mails import CLARA, deliver, part, states
from booking.tests.salon import BERLIN, make_employee, soon
from booking.tests.test_mail_wording import PAYLOADS, headline

pytestmark = pytest.mark.django_db

EVE = "eve@salon.example"


def calendars(mail) -> list[tuple[str, str, str]]:
    """(method, uid, status) of each .ics; what is not iCalendar raises."""
    found = []
    for one in mail.walk():
        if one.get_content_type() == "text/calendar":
            entries = list(ical.read(one.get_payload(decode=True)))
            assert len(entries) == 1, "all components of a scheduling message share one UID"
            found.append((one.get_param("method"), entries[0].uid, entries[0].status))
    return found


def story(language: str):
    """Registers, is moved, called off, reinstated; withdraws."""
    place = Location.objects.create(name="Studio", address="Lindenstraße 1")
    event = make_event(make_employee("Eve", language=language), soon(18), soon(18, days=8), location=place)
    made, now = register(event, places=2, language=language), timezone.now()
    yield "registered", event, deliver()
    events.move_period(period=event.periods.order_by("-start")[0], start=soon(19, days=8), end=soon(21, days=8), now=now)
    yield "event_changed", event, deliver()
    events.cancel(event=event, now=now)
    yield "event_cancelled", event, deliver()
    events.reinstate(event=event, now=now)
    yield "registered again", event, deliver()
    registrations.withdraw(registration=made, now=now)
    yield "withdrawn", event, deliver()


EXPECTED = {
    "de": {
        "registered": ["Sie sind angemeldet", "Eine neue Anmeldung"],
        "event_changed": ["Eine Veranstaltung hat sich geändert"],
        "event_cancelled": ["Die Veranstaltung fällt aus"],
        "registered again": ["Sie sind angemeldet"],
        "withdrawn": ["Ihre Anmeldung ist abgesagt", "Eine Abmeldung"],
    },
    "en": {
        "registered": ["You are registered", "A new registration"],
        "event_changed": ["An event has changed"],
        "event_cancelled": ["The event is cancelled"],
        "registered again": ["You are registered"],
        "withdrawn": ["Your registration is cancelled", "A registration is cancelled"],
    },
}


@pytest.mark.parametrize("language", ["de", "en"])
def test_each_change_is_told_in_the_readers_language_with_an_entry_for_each_time(language):
    """Red when a text is missing or a placeholder stays unfilled, or the entries of both times are put into one message."""
    seen = {}
    for name, event, mails in story(language):
        seen[name] = [headline(mails[one]) for one in (CLARA, EVE) if one in mails]
        for mail in mails.values():
            for text in (mail["Subject"], part(mail, "plain"), part(mail, "html")):
                assert not re.search(r"%[a-z_:]+%|\{%|\{\{", text.partition("</style>")[2] or text), (name, text)
        uids = [period.uid for period in event.periods.all()]
        gone = name in ("event_cancelled", "withdrawn")
        assert calendars(mails[CLARA]) == [("CANCEL" if gone else "REQUEST", uid, "cancelled" if gone else "confirmed") for uid in uids], name
        assert EVE not in mails or not calendars(mails[EVE]), "the organiser has it in the own calendar"
        body = part(mails[CLARA], "plain")
        assert "Lindenstraße 1" in body
        assert "Europe/Berlin" in body
        assert len(re.findall(r"\d\d:00–|\d:00 PM–", body)) == (4 if name == "event_changed" else 2), body
    assert seen == EXPECTED[language]


def test_nothing_is_told_twice_and_nothing_that_is_no_longer_true():
    """Red when needless() always answers ""."""
    event = make_event(make_employee("Eve"), soon(18))
    register(event)
    deliver()
    period, now = event.periods.get(), timezone.now()
    quiet = timedelta(minutes=2)
    events.move_period(period=period, start=soon(19), end=soon(21), now=now, quiet=quiet)
    events.move_period(period=period, start=soon(18), end=soon(20), now=now, quiet=quiet)
    assert deliver() == {}, "it is quiet still"
    assert deliver(after=timedelta(minutes=3)) == {}, "it is where it was"
    events.move_period(period=period, start=soon(19), end=soon(21), now=now)
    events.cancel(event=event, now=now)
    assert [headline(mail) for mail in deliver().values()] == ["The event is cancelled"]
    assert [row for row in states() if row[2] == "open"] == []


def test_only_what_they_know_of_is_news():
    event = make_event(make_employee("Eve"), soon(18))
    register(event)
    deliver()
    events.change(event=event, fields={"capacity": 50, "description": "New", "sync_enabled": False}, now=timezone.now())
    assert deliver() == {}
    events.change(event=event, fields={"name": "Scents"}, now=timezone.now())
    assert "Scents" in deliver()[CLARA]["Subject"]


def test_a_cancelled_period_is_taken_out_of_the_calendar_of_those_who_have_it_only():
    event = make_event(make_employee("Eve"), soon(18), soon(18, days=8))
    register(event)
    deliver()
    first, second = event.periods.all()
    events.cancel_period(period=second, now=timezone.now())
    assert calendars(deliver()[CLARA]) == [("REQUEST", first.uid, "confirmed"), ("CANCEL", second.uid, "cancelled")]
    register(event, email="otto@example.org", first_name="Otto")
    assert calendars(deliver()["otto@example.org"]) == [("REQUEST", first.uid, "confirmed")]


def test_who_withdrew_hears_no_more_of_it():
    event = make_event(make_employee("Eve"), soon(18))
    made = register(event)
    deliver()
    registrations.withdraw(registration=made, now=timezone.now())
    assert set(deliver()) == {CLARA, EVE}
    events.cancel(event=event, now=timezone.now())
    assert deliver() == {}


def test_the_manage_link_is_in_the_customers_mail_only():
    register(make_event(make_employee("Eve"), soon(18)))
    mails = deliver()
    assert f"{settings.SITE_URL}/registration/" in part(mails[CLARA], "plain")
    for text in (part(mails[EVE], "plain"), part(mails[EVE], "html")):
        assert "/registration/" not in text
        assert "/mine/" not in text


def test_every_placeholder_that_is_offered_has_a_value():
    event = make_event(make_employee("Eve"), soon(18))
    made = register(event)
    places: list[tuple[str, Where]] = [(Message.Audience.CUSTOMER, "registrant"), (Message.Audience.EMPLOYEE, "organizer")]
    for audience, where in places:
        values = values_for_registration(made, audience=audience, language="en", people=event.helpers, taken=1, spans=[], previous=[])
        assert list(values) == [one.name for one in allowed_in(where)]


def test_times_are_told_by_the_clock_at_the_event_over_midnight_and_the_change_of_clocks():
    night = [(soon(22), soon(2, days=8))]
    told = times(night, BERLIN, "de")
    assert re.fullmatch(r"\w+, \d+\. \w+ \d{4}, 22:00 Uhr – \w+, \d+\. \w+ \d{4}, 02:00 Uhr", told)
    autumn = [(datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC))]
    assert times(autumn, BERLIN, "en") == "Sunday, October 25, 2026, 2:30 AM–2:30 AM", "the hour that happens twice"


@pytest.mark.once
@pytest.mark.parametrize("payload", PAYLOADS)
def test_what_a_stranger_typed_stays_text(payload):
    """Red when a value is filled in without escaping, or what was typed is not kept from becoming a link."""
    event = make_event(make_employee("Eve"), soon(18))
    register(event, first_name=payload[:150], last_name="X")
    for mail in deliver().values():
        html = part(mail, "html")
        assert "<script" not in html
        assert "<img" not in html
        for text in (html, part(mail, "plain")):
            assert "://evil" not in text
            assert "www.evil" not in text
        assert "Bcc" not in mail
        assert Event.objects.get().name in mail["Subject"]
        calendars(mail)
