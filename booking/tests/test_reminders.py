"""Reminders before and follow-ups after: of the present time, once each, to those they are still meant for."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import time_machine
from django.core import mail
from django.test import Client
from django.utils import timezone

from booking import tasks
from booking.actions import appointments
from booking.models import Attendance, Message, Reminder, Status
from booking.notifications import reminders
from booking.notifications.sending import send_due
from booking.tests.mails import CLARA, booking, calendar_of, deliver, parsed, part
from booking.tests.salon import make_customer, make_employee, make_service, soon

pytestmark = pytest.mark.django_db

EVE, FINN = "eve@salon.example", "finn@salon.example"
HOUR = timedelta(hours=1)


def at(now: datetime) -> list[tuple[str, str]]:
    """What the clock does then, twice as with every task: (recipient, subject) of what went out."""
    mail.outbox = []
    with time_machine.travel(now, tick=False):
        for _ in range(2):
            tasks.remind()
            tasks.send_messages()
    return [(one.to[0], str(one.subject)) for one in mail.outbox]


def remind(hours: int = 24, when: str = "before", **fields) -> Reminder:
    return Reminder.objects.create(hours=hours, when=when, **fields)


@pytest.fixture
def attendance() -> Attendance:
    made = booking()
    deliver()
    return made


@pytest.fixture
def start(attendance) -> datetime:
    begins: datetime = attendance.appointment.start
    return begins


@pytest.mark.feature("P11")
def test_the_customer_is_reminded_once_so_many_hours_before(attendance, start):
    """Red when what is due isn't looked for, or the reminder's message isn't one per rule, booking and time."""
    remind(24)
    assert at(start - 25 * HOUR) == []
    assert [to for to, _ in at(start - 24 * HOUR)] == [CLARA]
    assert at(start - 23 * HOUR) == []
    sent = Message.objects.get(kind="reminder")
    assert (sent.state, sent.moment) == ("sent", start)


def test_the_mail_is_in_the_readers_language_and_zone_and_changes_no_calendar(client: Client):
    made = booking(language="de", timezone="Asia/Kolkata")
    deliver()
    remind(24)
    at(made.appointment.start - HOUR)
    message = parsed(mail.outbox[0].message().as_bytes())
    assert "# " not in part(message, "plain")
    assert part(message, "plain").startswith("Bis bald")
    assert ("14:30" if made.appointment.start.hour == 9 else "13:30") in str(message["Subject"])
    assert calendar_of(message) is None
    link = next(line for line in part(message, "plain").splitlines() if "/booking/" in line)
    assert client.get(link.removeprefix("http://localhost:8000")).status_code == 200


@pytest.mark.feature("P11")
def test_each_rule_reminds_for_itself_with_an_id_of_its_own(attendance, start):
    """Red when the Message-ID doesn't contain the rule: mail programs then show the second as a copy of the first."""
    remind(24)
    remind(2)
    at(start - 23 * HOUR)
    first = mail.outbox[0].message()["Message-ID"]
    assert [to for to, _ in at(start - HOUR)] == [CLARA]
    assert mail.outbox[0].message()["Message-ID"] != first


@pytest.mark.feature("P11")
def test_whoever_moved_it_is_reminded_of_the_new_time_and_not_of_the_old(attendance, start):
    """Red when the time isn't part of what is once only, or isn't looked at again before sending."""
    remind(24)
    assert len(at(start - 20 * HOUR)) == 1
    with time_machine.travel(start - 10 * HOUR, tick=False):
        appointments.reschedule(appointment=attendance.appointment, start=start + timedelta(days=3), now=timezone.now())
        deliver()
    assert at(start - HOUR) == []
    later = at(start + timedelta(days=3) - HOUR)
    assert [to for to, _ in later] == [CLARA]
    assert (start + timedelta(days=3)).strftime("%B %-d") in later[0][1]


def test_one_that_waits_while_the_appointment_moves_is_dropped(attendance, start):
    remind(24)
    with time_machine.travel(start - 20 * HOUR, tick=False):
        reminders.write_due(timezone.now())
        appointments.move(appointment=attendance.appointment, start=start + 48 * HOUR, end=start + 49 * HOUR, now=timezone.now(), quiet=HOUR)
        mail.outbox = []
        send_due(timezone.now())
    assert mail.outbox == []
    assert Message.objects.get(kind="reminder").error == "The appointment has been moved."


def test_moved_away_and_back_before_anybody_was_told_it_is_reminded_of_all_the_same(attendance, start):
    """Red when a reminder that was not needed for a while isn't taken up again."""
    remind(24)
    with time_machine.travel(start - 30 * HOUR, tick=False) as clock:
        clock.shift(8 * HOUR)
        reminders.write_due(timezone.now())
        Message.objects.filter(kind="reminder").update(state=Message.State.SKIPPED)
    assert [to for to, _ in at(start - 20 * HOUR)] == [CLARA]


@pytest.mark.feature("P11")
@pytest.mark.parametrize("end", ["cancel", "reject", "pending"])
def test_what_does_not_take_place_or_is_not_approved_is_not_reminded_of(end, start, attendance):
    """Red when the search doesn't ask for the status."""
    remind(24)
    if end == "cancel":
        appointments.cancel(appointment=attendance.appointment, now=timezone.now())
    else:
        attendance.appointment.status = attendance.status = Status.PENDING
        attendance.appointment.save()
        attendance.save()
        if end == "reject":
            appointments.reject(appointment=attendance.appointment, now=timezone.now())
    deliver()
    assert at(start - HOUR) == []
    assert not Message.objects.filter(kind="reminder").exists()


def test_cancelled_between_the_search_and_the_sending_nothing_goes(attendance, start):
    """Red when a reminder isn't looked at again before it is sent."""
    remind(24)
    with time_machine.travel(start - 20 * HOUR, tick=False):
        reminders.write_due(timezone.now())
        appointments.cancel(appointment=attendance.appointment, now=timezone.now())
    assert [subject.partition(":")[0] for to, subject in at(start - 19 * HOUR) if to == CLARA] == ["Cancelled"]
    assert Message.objects.get(kind="reminder").state == "skipped"


def test_nobody_is_reminded_who_heard_of_it_later_than_the_reminder_would_have_come():
    """Red when the news isn't compared with the time the reminder was due: a customer who books for today is told twice at once."""
    remind(24)
    remind(2)
    start = soon(10)
    with time_machine.travel(start - 5 * HOUR, tick=False):
        booking(start=start)
    assert [to for to, _ in at(start - 4 * HOUR)] == [CLARA, EVE]  # that it is booked
    assert not Message.objects.filter(kind="reminder").exists()
    assert [to for to, _ in at(start - HOUR)] == [CLARA]


def test_news_that_waits_goes_first(attendance, start):
    """The calendar's owner is still dragging it about: the customer hears of the new time by that mail."""
    remind(24)
    with time_machine.travel(start - 22 * HOUR, tick=False):
        appointments.move(appointment=attendance.appointment, start=start + HOUR, end=start + 2 * HOUR, now=timezone.now(), quiet=HOUR)
    assert at(start - 22 * HOUR + timedelta(minutes=1)) == []


def test_a_reminder_is_no_news_and_hides_none(attendance, start):
    """Red when a reminder counts as telling the customer of the state it was sent in: the move would never be told, nor its .ics sent."""
    remind(48)
    assert len(at(start - 40 * HOUR)) == 1
    with time_machine.travel(start - 30 * HOUR, tick=False):
        appointments.move(appointment=attendance.appointment, start=start + HOUR, end=start + 2 * HOUR, now=timezone.now())
        Message.objects.create(
            kind="reminder", audience="customer", attendance=attendance, moment=start + HOUR, version=99, recipient=CLARA,
            not_before=timezone.now(), state="sent", sent_at=timezone.now(), reminder=Reminder.objects.get(),
            context={"told": {"start": (start + HOUR).isoformat(), "end": (start + 2 * HOUR).isoformat(), "status": "approved", "staff": []}},
        )  # fmt: skip
        assert "has been moved" in part(deliver()[CLARA], "plain")


@pytest.mark.feature("P11")
def test_a_follow_up_comes_so_many_hours_after_the_end(attendance, start):
    """Red when the end isn't what is counted from."""
    rule = remind(3, "after")
    end = attendance.appointment.end
    Reminder.objects.filter(pk=rule.pk).update(since=start - HOUR)
    assert at(end + 3 * HOUR - timedelta(minutes=1)) == []
    assert at(end + 3 * HOUR) == [(CLARA, "Thank you for coming: Haircut")]
    assert at(end + 4 * HOUR) == []


def test_a_follow_up_reaches_back_neither_before_its_rule_nor_for_ever(attendance, start):
    """Red when `since` isn't asked for: switching one on would write to everybody who ever came."""
    rule = remind(1, "after")
    end = attendance.appointment.end
    Reminder.objects.filter(pk=rule.pk).update(since=end + 2 * HOUR)
    assert at(end + 3 * HOUR) == []
    Reminder.objects.filter(pk=rule.pk).update(since=start)
    assert at(end + HOUR + reminders.LATEST + HOUR) == []
    assert [to for to, _ in at(end + 2 * HOUR)] == [CLARA]


def test_who_did_not_come_is_not_thanked(attendance, start):
    """Red when the mark isn't read: when it is found, and when it is about to be sent."""
    rule = remind(1, "after")
    Reminder.objects.filter(pk=rule.pk).update(since=start)
    end = attendance.appointment.end
    Attendance.objects.update(no_show=True)
    assert at(end + 2 * HOUR) == []
    Attendance.objects.update(no_show=False)
    reminders.write_due(end + 2 * HOUR)
    Attendance.objects.update(no_show=True)
    assert at(end + 2 * HOUR) == []
    assert Message.objects.get(kind="follow_up").error == "The customer did not come."


@pytest.mark.feature("P11")
def test_each_employee_is_reminded_once_however_many_customers_come(attendance, start):
    """Red when an employee's reminder is written for each attendance."""
    finn = make_employee("Finn", language="en")
    appointments.set_staff(appointment=attendance.appointment, employees=[*attendance.appointment.employees.all(), finn], now=timezone.now())
    Attendance.objects.create(appointment=attendance.appointment, customer=make_customer(), price=20)
    deliver()
    remind(2, audience="employee")
    assert sorted(to for to, _ in at(start - HOUR)) == [EVE, FINN]
    assert "Clara Kunde" in part(parsed(mail.outbox[0].message().as_bytes()), "plain")


def test_an_employee_who_no_longer_serves_it_is_left_alone(attendance, start):
    remind(2, audience="employee")
    finn = make_employee("Finn", language="en")
    with time_machine.travel(start - HOUR, tick=False):
        reminders.write_due(timezone.now())
        appointments.reassign(appointment=attendance.appointment, employee=finn, now=timezone.now())
    at(start - HOUR + timedelta(minutes=1))
    assert Message.objects.get(kind="reminder", recipient=EVE).error == "The employee does not serve it any more."


def test_a_rule_may_be_for_some_services_only(attendance, start):
    rule = remind(24)
    rule.services.add(make_service(name="Colour"))
    assert at(start - HOUR) == []
    rule.services.add(attendance.appointment.service)
    assert len(at(start - HOUR)) == 1


def test_switched_off_it_sends_nothing_not_even_what_waits(attendance, start):
    rule = remind(24)
    reminders.write_due(start - 20 * HOUR)
    Reminder.objects.update(is_active=False)
    assert at(start - 19 * HOUR) == []
    assert Message.objects.get(kind="reminder").error == "The reminder has been switched off."
    Reminder.objects.update(is_active=True)
    assert len(at(start - 18 * HOUR)) == 1
    rule.delete()
    assert Message.objects.get(kind="reminder").reminder is None


def test_after_the_start_it_is_too_late(attendance, start):
    remind(24)
    reminders.write_due(start - HOUR)
    assert at(start + timedelta(minutes=1)) == []
    assert Message.objects.get(kind="reminder").error == "The appointment has begun."


def test_the_search_takes_the_same_number_of_queries_for_any_number_of_bookings(django_assert_num_queries):
    service = make_service(make_employee("Eve"))
    for hour in range(9, 16):
        booking(service=service, start=soon(hour), email=f"guest{hour}@example.org")
    deliver()
    remind(24)
    with django_assert_num_queries(7):
        assert reminders.write_due(soon(8)) == 7
    with django_assert_num_queries(5):
        assert reminders.write_due(soon(8)) == 0


def test_an_admin_writes_rules_and_a_change_reaches_back_to_nobody(client: Client, admin):
    client.force_login(admin)
    with time_machine.travel(datetime.now() - timedelta(days=5), tick=True):  # noqa: DTZ005
        old = remind(3, "after")
    url = f"/admin/booking/reminder/{old.pk}/change/"
    assert client.post(url, {"hours": 3, "when": "after", "audience": "employee", "is_active": "on"}).status_code == 302
    old.refresh_from_db()
    assert old.since < timezone.now() - timedelta(days=4)
    assert client.post(url, {"hours": 6, "when": "after", "audience": "employee", "is_active": "on"}).status_code == 302
    old.refresh_from_db()
    assert old.since > timezone.now() - timedelta(minutes=1)
    assert client.post(url, {"hours": 0, "when": "after", "audience": "employee"}).status_code == 200
    assert b"6 hours after the end" in client.get("/admin/booking/reminder/").content
