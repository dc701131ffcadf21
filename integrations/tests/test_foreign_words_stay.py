"""What an employee writes into the own calendar is for nobody else's eyes: not the customer's, not a colleague's, not a manager's, not the log's."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from booking import links
from booking.models import Attendance, Busy, Employee
from booking.pages.zone import write_instant
from booking.tests.mails import deliver, parsed
from booking.tests.pages import book
from integrations.models import Account, Link, Run
from integrations.pages.tests.test_page_security import POST_ONLY
from integrations.tests.salon import Salon, at, lines, monday

CANARY = "CANARY-PRIVATE-7f"
WORDS = (
    f"DESCRIPTION:{CANARY} of the description",
    f"LOCATION:{CANARY} street",
    f"URL:https://example.org/{CANARY}",
    f"ORGANIZER;CN={CANARY}:mailto:{CANARY}@example.org",
    f"ATTENDEE;CN={CANARY}:mailto:{CANARY}.guest@example.org",
)


def routes() -> Iterator[tuple[str, str]]:
    """(full name, pattern) of every page and every answer of the API; the admin has its own rights, and tests."""

    def inside(found: Any, space: str, path: str) -> Iterator[tuple[str, str]]:
        for one in found.url_patterns:
            if isinstance(one, URLResolver):
                yield from inside(one, one.namespace or space, path + str(one.pattern))
            elif isinstance(one, URLPattern) and space != "admin":
                yield f"{space}:{one.name}" if space else str(one.name), path + str(one.pattern)

    yield from inside(get_resolver(), "", "")


def addresses(salon: Salon, attendance: Attendance) -> dict[str, str]:
    """Every route with the ids and the questions that concern this booking; routes of things that aren't on this stage are left out."""
    service, employee, appointment = salon.service, salon.employee, attendance.appointment
    tokens = {"booking:panel": links.panel_token(attendance.customer)} | dict.fromkeys(
        ("booking:manage", "booking:manage_reschedule", "booking:manage_cancel"), links.manage_token(attendance)
    )
    link = Link.objects.get()
    ids = {"service": service.pk, "profile/appointment": appointment.pk, "profile/calendars": Account.objects.get().pk}
    day = f"{monday():%Y-%m-%d}"
    query = {"service": service.pk, "employee": employee.pk, "from": day, "to": day, "date": day, "at": f"{at(10):%Y-%m-%dT%H:%M}"}
    query |= {"start": write_instant(at(11)), "timezone": "Europe/Berlin"}
    found = {}
    for name, path in routes():
        if "<int:pk>" in path:
            pk = {"link": link.pk, "reading": link.pk, "gone": link.pk, "undo": Run.objects.values_list("pk", flat=True).first()}.get(name.partition(":")[2])
            pk = pk or next((one for begin, one in ids.items() if f"{begin}/" in path), None)
            arguments: list[Any] | None = [pk] if pk and path.count("<") == 1 else None
        else:
            arguments = [tokens[name]] if name in tokens else [] if "<" not in path else None
        if arguments is not None:
            found[name] = reverse(name, args=arguments, query=query)
    return found


def seen(client: Client, shown: dict[str, str]) -> tuple[set[str], set[str]]:
    """The names of the routes that answer with 200, and of those whose answer, whatever it is, has the canary. Each is asked with its question and without."""
    answered, telling = set(), set()
    for name, address in shown.items():
        for one in {address, address.partition("?")[0]} if name.partition(":")[2] not in {*POST_ONLY, "schema"} else ():
            answer = client.get(one)
            assert answer.status_code < 500 or "health" in name, (name, answer.status_code)
            answered |= {name} if answer.status_code == 200 else set()
            telling |= {name} if CANARY in b"".join(answer).decode(errors="replace") else set()
    return answered, telling


def signed_in(user: User | None) -> Client:
    assert user is not None
    client = Client()
    client.force_login(user)
    return client


@pytest.mark.feature("C4")
def test_a_foreign_events_words_are_shown_to_its_owner_alone(salon: Salon, colleague: Employee, manager: User, caplog: pytest.LogCaptureFixture):
    """F65. Seen red with the title given to whoever asks why a time is not free, with the event written into the log as it is read, and with the titles
    of busy times in a mail's subject, its text, its HTML and its .ics, be it across a fold."""
    caplog.set_level(logging.DEBUG)
    salon.service.employees.add(colleague)
    salon.diary.enter(CANARY, at(10), at(11), *WORDS)
    salon.diary.enter(CANARY, at(12), at(13), "CLASS:PRIVATE", *WORDS)
    unreadable = salon.diary.enter(CANARY, at(14, day=2), at(15, day=2), "RRULE:FREQ=WEEKLY", *WORDS)
    salon.diary.edit(unreadable, lambda text: text.replace("TZID=Europe/Berlin", f"TZID={CANARY}"))
    salon.sync()
    assert list(Link.objects.get().quarantine) == [unreadable]
    assert {at(10), at(12)}.isdisjoint(salon.slots())
    assert sorted(Busy.objects.values_list("title", flat=True)) == ["", "", CANARY]

    customer = Client()
    attendance = book(customer, salon.service, at(11.25), employee=str(salon.employee.pk))
    refused = salon.request(at(10))
    assert refused.status_code == 409
    assert CANARY not in refused.content.decode()
    salon.diary.enter(CANARY, at(11), at(12), *WORDS)  # over the appointment
    salon.sync()
    salon.diary.shift(salon.path(attendance.appointment), at(15.25) - at(11.25))
    salon.sync()
    deliver()
    assert {one.to[0] for one in mail.outbox} >= {attendance.customer.email}
    parts = [part for one in mail.outbox for part in parsed(one.message().as_bytes()).walk() if not part.is_multipart()]
    assert {"text/plain", "text/html", "text/calendar"} <= {part.get_content_type() for part in parts}
    assert not [part for part in parts if CANARY in "".join(lines(str(part.get_content())))]
    assert CANARY not in str([one.message().items() for one in mail.outbox])

    attendance.refresh_from_db()  # moved, it has a link of another version
    shown = addresses(salon, attendance)
    public = {"booking:time", "booking:details", "booking:booked", "booking:manage", "booking:manage_reschedule", "booking:panel"}
    public |= {"api:slots", "api:next_slot", "api:services"}
    staff = {"booking:profile", "integrations:calendars", "integrations:history"}
    for client, wanted in ((customer, public), (signed_in(colleague.user), public - {"booking:booked"} | staff), (signed_in(manager), staff | {"booking:why"})):
        answered, telling = seen(client, shown)
        assert not telling
        assert wanted <= answered, wanted - answered
    assert CANARY not in caplog.text
    own = {"booking:why": shown["booking:why"]}
    assert seen(signed_in(salon.employee.user), own) == (set(own), set(own))  # it is there to be shown
