"""The waiting list: told when something is free, whatever made it so; the first to claim it gets it (catalogue P9)."""

from __future__ import annotations

from datetime import date, time, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from booking.actions import appointments, attendances, waiting
from booking.actions.customers import Guest
from booking.errors import SlotTaken, StillFree, TooMany, WrongState
from booking.models import Attendance, Busy, BusySource, Message, Service, SpecialDay, WaitingEntry
from booking.notifications.sending import send_due
from booking.tests.mails import deliver, part
from booking.tests.salon import BERLIN, make_employee, make_service, soon

pytestmark = pytest.mark.django_db

CLARA, DORA = "clara@example.org", "dora@example.org"


def day(days: int = 7) -> date:
    return soon(days=days).astimezone(BERLIN).date()


@pytest.fixture
def service() -> Service:
    """Eve does it once a day, at ten."""
    return make_service(make_employee("Eve", language="en", hours=(10, 11)), duration=60, slot_step=60, waiting_list=True)


def book(service: Service, name: str = "Otto", *, days: int = 7, **options: Any) -> Attendance:
    guest = Guest(first_name=name, email=f"{name.lower()}@example.org", language="en")
    return appointments.book(service=service, start=soon(days=days), guest=guest, now=timezone.now(), **options)


def wait(service: Service, name: str = "Clara", *, first: int = 7, last: int | None = None, **options: Any) -> WaitingEntry:
    guest = Guest(first_name=name, email=f"{name.lower()}@example.org", language=options.pop("language", "en"))
    last_day = day(first if last is None else last)
    return waiting.enter(service=service, guest=guest, first_day=day(first), last_day=last_day, now=timezone.now(), **options)


def states() -> list[str]:
    return list(WaitingEntry.objects.order_by("pk").values_list("state", flat=True))


@pytest.mark.feature("P9")
def test_a_freed_time_is_told_to_all_who_wait_and_the_first_who_claims_it_gets_it(service):
    """Red when `tell` tells only the first, and when who has been told stays so though it is taken."""
    taken = book(service)
    clara, dora = wait(service), wait(service, "Dora")
    other = wait_for_another(service)
    assert waiting.tell(now=timezone.now()) == 0
    assert set(deliver()) >= {CLARA, DORA}
    attendances.cancel(attendance=taken, now=timezone.now())
    assert waiting.tell(now=timezone.now()) == 2
    told = deliver()
    assert {CLARA, DORA} <= set(told)
    assert "emil@example.org" not in told
    assert "A time is free: Haircut" in told[CLARA]["Subject"]
    assert "10:00 AM" in part(told[CLARA], "plain")
    # However often it looks, each is told once.
    assert waiting.tell(now=timezone.now()) == 0
    assert deliver() == {}

    made = waiting.claim(entry=dora, start=soon(), now=timezone.now())
    assert (made.customer.email, made.status, dora.state) == (DORA, "approved", "claimed")
    with pytest.raises(SlotTaken, match="faster"):
        waiting.claim(entry=clara, start=soon(), now=timezone.now())
    waiting.tell(now=timezone.now())
    assert states() == ["open", "claimed", "open"]
    # The next time it is free she is told anew.
    deliver()
    attendances.cancel(attendance=made, now=timezone.now())
    assert waiting.tell(now=timezone.now()) == 1
    assert "A time is free" in deliver()[CLARA]["Subject"]
    other.refresh_from_db()
    assert other.state == "open"


def wait_for_another(service: Service) -> WaitingEntry:
    """Emil waits for the day after, which is taken as well."""
    book(service, days=8)
    return wait(service, "Emil", first=8)


def test_nobody_waits_for_what_is_free(service):
    with pytest.raises(StillFree) as refused:
        wait(service)
    assert [slot.start for slot in refused.value.slots] == [soon()]
    assert not WaitingEntry.objects.exists()
    book(service)
    with pytest.raises(StillFree):
        wait(service, last=8)


def test_whatever_frees_a_time_is_found(service):
    """Another's meeting deleted in the calendar, other hours, more places: nothing of it tells us."""
    eve = service.employees.get()
    source = BusySource.objects.create(calendar=eve.calendar, label="Nextcloud", state="ok", fetched_at=timezone.now(), max_age=timedelta(hours=9))
    Busy.objects.create(calendar=eve.calendar, source=source, start=soon(), end=soon(11), key="1")
    SpecialDay.objects.create(calendar=eve.calendar, day=day(8), start=time(12), end=time(12, 30))
    yoga = make_service(make_employee("Finn", hours=(10, 11)), name="Yoga", duration=60, max_capacity=2, waiting_list=True)
    book(yoga, days=9, persons=2)
    for entry_of, first in ((service, 7), (service, 8), (yoga, 9)):
        wait(entry_of, first=first)
    assert waiting.tell(now=timezone.now()) == 0
    Busy.objects.all().delete()
    assert (waiting.tell(now=timezone.now()), states()) == (1, ["told", "open", "open"])
    SpecialDay.objects.all().delete()
    assert (waiting.tell(now=timezone.now()), states()) == (1, ["told", "told", "open"])
    Service.objects.filter(pk=yoga.pk).update(max_capacity=3)
    assert (waiting.tell(now=timezone.now()), states()) == (1, ["told", "told", "told"])


def test_only_enough_places_count(service):
    Service.objects.update(max_capacity=3)
    service.refresh_from_db()
    first = book(service, persons=2)
    book(service, "Paula")
    wait(service, persons=3)
    pair = wait(service, "Dora", persons=2)
    attendances.cancel(attendance=first, now=timezone.now())
    assert waiting.tell(now=timezone.now()) == 1
    assert waiting.claim(entry=pair, start=soon(), now=timezone.now()).persons == 2


def test_a_mail_that_has_lost_its_truth_is_not_sent(service):
    taken = book(service)
    clara = wait(service)
    deliver()
    attendances.cancel(attendance=taken, now=timezone.now())
    waiting.tell(now=timezone.now())
    book(service, "Quick")
    assert CLARA not in deliver()
    assert Message.objects.get(kind="freed").error == "Nothing is free any more."
    waiting.tell(now=timezone.now())
    clara.refresh_from_db()
    assert clara.state == "open"


def test_a_claim_is_for_the_days_one_waits_for(service):
    """Red without the look at the days in `claim`: the link books any free time."""
    taken = book(service)
    clara = wait(service)
    attendances.cancel(attendance=taken, now=timezone.now())
    for days in (6, 8):
        with pytest.raises(WrongState):
            waiting.claim(entry=clara, start=soon(days=days), now=timezone.now())
    assert waiting.claim(entry=clara, start=soon(), now=timezone.now()).appointment.start == soon()


def test_entries_expire_by_themselves_and_can_be_withdrawn(service):
    book(service)
    book(service, days=8)
    clara, dora = wait(service), wait(service, "Dora", last=8)
    with time_machine.travel(soon(0, 1, days=8), tick=False):
        waiting.tell(now=timezone.now())
        assert states() == ["expired", "open"]
        with pytest.raises(WrongState):
            waiting.claim(entry=clara, start=soon(), now=timezone.now())
        waiting.withdraw(entry=dora)
        with pytest.raises(WrongState):
            waiting.withdraw(entry=dora)
        assert states() == ["expired", "withdrawn"]
    send_due(timezone.now() + timedelta(seconds=1))
    assert set(Message.objects.filter(kind="waiting").values_list("state", flat=True)) == {"skipped"}


def test_the_same_wish_is_on_the_list_once_and_mails_to_one_address_are_limited(service, settings):
    settings.MAIL_CAP_PER_ADDRESS = 3
    for days in (7, 8, 9, 10):
        book(service, days=days)
    assert wait(service) == wait(service)
    assert Message.objects.filter(kind="waiting").count() == 1
    wait(service, first=8)
    wait(service, first=9)
    with pytest.raises(TooMany):
        wait(service, first=10)


@pytest.mark.parametrize(("first", "last"), [(-3, -1), (9, 8), (7, 80), (200, 201)])
def test_days_that_make_no_sense_are_refused(service, first, last):
    with pytest.raises(WrongState):
        wait(service, first=first, last=last)


def test_a_service_without_a_list_has_none(service):
    Service.objects.update(waiting_list=False)
    service.refresh_from_db()
    book(service)
    with pytest.raises(WrongState):
        wait(service)


def test_looking_costs_three_queries_for_all_who_wait_for_the_same(service):
    book(service)
    wait(service)
    with CaptureQueriesContext(connection) as few:
        waiting.tell(now=timezone.now())
    for number in range(5):
        wait(service, f"Guest{number}")
    with CaptureQueriesContext(connection) as many:
        waiting.tell(now=timezone.now())
    assert len(many) == len(few) <= 4


@pytest.mark.parametrize(("language", "subject", "words"), [("en", "You are on the waiting list", "Days:"), ("de", "Sie stehen auf der Warteliste", "Tage:")])
def test_the_mails_speak_the_language_of_whoever_waits(service, language, subject, words):
    book(service)
    wait(service, language=language)
    told = deliver()[CLARA]
    assert subject in told["Subject"]
    assert words in part(told, "plain")
    assert "/waiting/" in part(told, "html")
