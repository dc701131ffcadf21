"""A customer books on the pages, without a script."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.conf import settings
from django.test import Client
from django.urls import reverse

from booking.models import Appointment, Attendance, Category, Message
from booking.pages import stamp
from booking.pages.throttle import rate_of
from booking.tests.pages import WHO, details_url, links_of, ripe_stamp, send, text_of
from booking.tests.salon import BERLIN, make_employee, make_service, soon

pytestmark = pytest.mark.django_db
TODAY = datetime.now(BERLIN).date()


@pytest.mark.feature("P1")
def test_it_books_from_the_list_of_services_to_the_confirmation(client):
    """Red when the redirect to `booked` (or the call of `actions.appointments.book`) is taken out of pages/book.py."""
    eve, adam = make_employee("Eve"), make_employee("Adam")
    service, _other = make_service(eve, adam), make_service(eve, name="Colour")

    services = client.get("/")
    assert reverse("booking:service", args=[service.pk]) in "".join(links_of(services))
    people = client.get(reverse("booking:service", args=[service.pk]))
    assert {"Eve", "Adam", "Anyone who is free"} <= {name for name in ("Eve", "Adam", "Anyone who is free") if name in text_of(people)}
    times = client.get(reverse("booking:time", args=[service.pk]), {"employee": adam.pk, "date": soon().date().isoformat(), "timezone": "Europe/Berlin"})
    details = next(link for link in links_of(times) if "/details/" in link)
    form = client.get(details)
    assert form.status_code == 200
    sent = form.context["stamp"]
    with time_machine.travel(timedelta(seconds=30) + _now(), tick=False):
        answer = client.post(details, {**WHO, "start": form.context["start"].isoformat(), "stamp": sent}, follow=True)

    attendance = Attendance.objects.get()
    assert attendance.appointment.start == form.context["start"]
    assert list(attendance.appointment.employees.all()) == [adam]
    assert (attendance.customer.full_name, attendance.customer.email, attendance.notes) == ("Clara Kunde", "clara@example.org", "Please ring twice.")
    assert attendance.timezone == "Europe/Berlin"
    assert answer.redirect_chain == [("/booked/", 302)]
    assert "Your appointment is booked" in text_of(answer)
    assert "clara@example.org is on its way" in text_of(answer)
    manage = next(link for link in links_of(answer) if link.startswith("/booking/"))
    assert client.get(manage).status_code == 200


def _now():
    from django.utils import timezone

    return timezone.now()


def test_it_skips_the_steps_that_leave_no_choice(client):
    service = make_service(make_employee())

    answer = client.get("/?first_name=Clara", follow=True)

    assert [url for url, _code in answer.redirect_chain] == [f"/service/{service.pk}/?first_name=Clara", f"/service/{service.pk}/time/?first_name=Clara"]
    assert answer.status_code == 200


def test_it_asks_for_the_employee_when_the_address_names_one_who_does_not_serve(client):
    service = make_service(make_employee("Eve"), make_employee("Adam"))
    stranger = make_employee("Zoe")

    for wrong in (stranger.pk, "x", "0", str(10**30)):
        answer = client.get(reverse("booking:time", args=[service.pk]), {"employee": wrong}, follow=True)
        assert "With whom?" in text_of(answer)


@pytest.mark.feature("P1")
def test_it_goes_straight_to_the_details_from_a_deep_link_and_fills_them_in(client):
    """Red when PREFILL is emptied or the redirect for `time` is taken out of pages/book.py."""
    eve, adam = make_employee("Eve"), make_employee("Adam")
    service = make_service(eve, adam)
    day = soon().astimezone(ZoneInfo("Europe/Berlin")).date()

    query = {"employee": eve.pk, "date": day.isoformat(), "time": "10:30", "first_name": "Clära & Co", "email": "c@example.org", "timezone": "Europe/Berlin"}
    answer = client.get(reverse("booking:service", args=[service.pk], query=query), follow=True)

    assert answer.redirect_chain[-1][0].startswith(f"/service/{service.pk}/details/")
    assert answer.context["start"] == soon(10, 30)
    assert answer.context["employee"] == eve
    assert answer.context["form"]["first_name"].value() == "Clära & Co"
    assert answer.context["form"]["email"].value() == "c@example.org"


def test_it_shows_the_day_with_a_word_when_the_deep_link_names_a_time_that_is_not_free(client):
    service = make_service(make_employee())
    answer = client.get(reverse("booking:time", args=[service.pk]), {"date": soon().date().isoformat(), "time": "03:00"})
    assert answer.status_code == 200
    assert "The time you asked for is not free" in text_of(answer)


@pytest.mark.parametrize(
    "query",
    [
        {"date": "2026-02-30"},
        {"date": "9999-12-31"},
        {"month": "0001-01"},
        {"month": "x"},
        {"timezone": "Mars/Olympus"},
        {"timezone": "../../etc/passwd"},
        {"time": "25:61"},
        {"start": "now"},
        {"date": "\0"},
    ],
)
def test_it_answers_nonsense_in_the_address_with_a_page(client, query):
    service = make_service(make_employee())
    for name in ("service", "time", "details"):
        assert client.get(reverse(f"booking:{name}", args=[service.pk]), query, follow=True).status_code == 200


def test_it_has_no_page_for_what_is_not_offered(client):
    hidden = make_service(make_employee(), is_active=False)
    for pk in (hidden.pk, 999_999, 2**70):
        for name in ("service", "time", "details"):
            assert client.get(reverse(f"booking:{name}", args=[pk])).status_code == 404
    assert send(client, hidden, soon()).status_code == 404
    assert not Appointment.objects.exists()


def test_it_says_what_is_wrong_beside_each_field_and_keeps_what_was_typed(client):
    service = make_service(make_employee())
    answer = send(client, service, soon(), first_name=" ", email="nobody", phone="call me", notes="x" * 2001, last_name="O’Hara <b>")

    assert answer.status_code == 400
    errors = answer.context["form"].errors
    assert set(errors) == {"first_name", "email", "phone", "notes"}
    page = answer.content.decode()
    assert "O’Hara &lt;b&gt;" in page
    assert 'value="nobody"' in page
    for name in errors:
        assert f'id="id_{name}_error"' in page
    assert 'aria-describedby="id_email_helptext id_email_error"' in page or 'aria-describedby="id_email_error id_email_helptext"' in page
    assert 'aria-invalid="true"' in page
    assert not Appointment.objects.exists()


@pytest.mark.parametrize("name", ["first_name", "last_name", "email", "phone"])
@pytest.mark.parametrize("evil", ["a\r\nBcc: all@example.org", "a\n", "\ra", "a\u2028b", "a\0b", "a\x1bb"])
def test_it_refuses_line_breaks_in_what_goes_into_headers(client, name, evil):
    service = make_service(make_employee())
    value = evil if name != "email" else evil.replace("a", "a@example.org", 1)
    answer = send(client, service, soon(), **{name: value})

    stripped = Attendance.objects.first()
    if name == "email" and stripped:  # Django strips blanks around addresses before it looks
        assert stripped.customer.email == "a@example.org"
    else:
        assert answer.status_code == 400
        assert name in answer.context["form"].errors


def test_it_books_once_when_the_form_is_sent_twice(client):
    """Also after the browser lost the first answer: the same page again."""
    service, sent = make_service(make_employee()), ripe_stamp()
    first, second = (send(client, service, soon(), sent=sent) for _ in range(2))

    assert (first.status_code, second.status_code) == (302, 302)
    assert first.url == second.url
    assert Appointment.objects.count() == 1
    assert "Your appointment is booked" in text_of(client.get(second.url))


def test_it_asks_again_when_a_sent_form_comes_back_with_other_words(client):
    service, sent = make_service(make_employee()), ripe_stamp()
    send(client, service, soon(), sent=sent)
    answer = send(client, service, soon(), sent=sent, first_name="Dora")

    assert answer.status_code == 409
    assert "already booked with this form" in text_of(answer)
    assert answer.context["form"]["first_name"].value() == "Dora"
    assert Appointment.objects.count() == 1


@pytest.mark.feature("P1")
def test_it_offers_the_nearest_times_when_the_slot_was_taken_meanwhile_and_keeps_what_was_typed(client):
    """Red when `except SlotTaken` is taken out of pages/book.py."""
    service = make_service(make_employee())
    assert send(Client(), service, soon()).status_code == 302
    answer = send(client, service, soon(), first_name="Dora", email="dora@example.org")

    assert answer.status_code == 409
    assert answer.context["form"]["first_name"].value() == "Dora"
    offered = [slot.start for slot in answer.context["alternatives"]]
    assert soon() not in offered
    assert soon(10, 30) in offered
    assert Appointment.objects.count() == 1
    # One of the offered times sent with the same form books it.
    assert client.post(details_url(service, soon()), {**WHO, "start": offered[0].isoformat(), "stamp": answer.context["stamp"]}).status_code == 302
    assert Appointment.objects.filter(start=offered[0]).count() == 1


def test_it_refuses_times_that_are_not_offered(client):
    """Duration, price and whether it is free are worked out here, whatever a form says."""
    service = make_service(make_employee())
    for start in (soon(3), soon(10, 7), soon(-1 % 24), soon(days=400), soon(days=-2)):
        assert send(client, service, start).status_code == 409
    answer = send(client, service, soon(), price="0", duration="1", status="cancelled", end="2020-01-01", internal_note="x", customer="1", sync_enabled="")
    assert answer.status_code == 302
    attendance = Attendance.objects.get()
    assert (attendance.price, attendance.status) == (service.price, "approved")
    assert attendance.appointment.end - attendance.appointment.start == timedelta(minutes=service.duration)
    assert (attendance.appointment.internal_note, attendance.appointment.sync_enabled) == ("", True)


@pytest.mark.parametrize("trick", ["at once", "trap"])
def test_it_lets_machines_believe_that_they_booked(client, trick):
    service = make_service(make_employee())
    sent = stamp.new() if trick == "at once" else ripe_stamp()
    answer = send(client, service, soon(), sent=sent, website="https://spam.example" if trick == "trap" else "")

    assert (answer.status_code, answer.url) == (302, "/booked/")
    page = client.get(answer.url)
    assert "Your appointment is booked" in text_of(page)
    assert "clara@example.org" in text_of(page)
    assert not Appointment.objects.exists()
    assert not Message.objects.exists()
    assert client.get(next(link for link in links_of(page) if link.startswith("/booking/"))).status_code == 404


@pytest.mark.parametrize("wrong", ["", "x", "forged:1abc:xyz", "old"])
def test_it_shows_the_form_again_when_its_stamp_is_missing_forged_or_old(client, wrong):
    service, sent = make_service(make_employee()), wrong
    if wrong == "old":
        with time_machine.travel(_now() - timedelta(hours=25), tick=False):
            sent = stamp.new()
    answer = client.post(details_url(service, soon()), {**WHO, "stamp": sent})

    assert answer.status_code == 400
    assert answer.context["form"]["first_name"].value() == "Clara"
    assert stamp._signer.unsign(answer.context["stamp"])
    assert not Appointment.objects.exists()


@time_machine.travel(datetime.now(UTC).replace(hour=12, minute=0, second=5, microsecond=0), tick=False)
def test_it_is_throttled_by_address_in_words_whatever_the_client_says_of_its_address(client, settings):
    service = make_service(make_employee())
    allowed, _seconds = rate_of("book")
    codes = [send(client, service, soon(3)).status_code for _ in range(allowed)]
    assert set(codes) == {409}
    for forged in ("", "1.2.3.4", "5.6.7.8, 9.9.9.9"):
        answer = client.post(details_url(service, soon()), {**WHO, "stamp": ripe_stamp()}, HTTP_X_FORWARDED_FOR=forged)
        assert answer.status_code == 429
        assert "Please wait a minute" in text_of(answer)
        assert int(answer["Retry-After"]) > 0
    assert send(Client(REMOTE_ADDR="192.0.2.7"), service, soon()).status_code == 302
    # One trusted proxy: the last entry is the client's address, and counts for itself.
    settings.TRUSTED_PROXY_COUNT = 1
    assert client.get(details_url(service, soon()), HTTP_X_FORWARDED_FOR="evil, 192.0.2.9").status_code == 200


def test_it_tells_nobody_who_is_already_a_customer(client):
    """Booking under a known address looks the same, fills in nothing and changes nothing that is stored."""
    service = make_service(make_employee())
    send(Client(), service, soon(9), notes="secret", last_name="Altmann")
    known, new = (send(client, service, start, email=email) for start, email in ((soon(11), "clara@example.org"), (soon(12), "new@example.org")))
    assert (known.status_code, known.url) == (new.status_code, new.url)
    shown = [text_of(one.get("/booked/")) for one in (client,)]
    assert "Altmann" not in "".join(shown)
    assert Attendance.objects.get(notes="secret").customer.last_name == "Altmann"


@pytest.mark.feature("P21")
def test_it_shows_times_in_the_visitors_zone_and_books_the_instant(client):
    """Red when `zone_of` in pages/zone.py ignores the cookie, or the address."""
    service = make_service(make_employee())
    url = reverse("booking:time", args=[service.pk])
    day = soon().date().isoformat()

    def first_time(**query: str) -> str:
        picker = client.get(url, {"date": day, **query}).context["picker"]
        return f"{picker.times[0].start.astimezone(picker.zone):%H:%M}"

    assert first_time() == "09:00"
    client.cookies["timezone"] = "Europe%2FLisbon"
    assert first_time() == "08:00"
    assert "Times are shown for Europe/Lisbon" in text_of(client.get(url))
    assert first_time(timezone="Europe/Athens") == "10:00"
    answer = client.post(details_url(service, soon(), timezone="Europe/Athens"), {**WHO, "stamp": ripe_stamp()})
    assert answer.status_code == 302
    attendance = Attendance.objects.get()
    assert (attendance.timezone, attendance.appointment.start) == ("Europe/Athens", soon())


def test_it_puts_a_time_on_the_day_that_the_visitor_has(client):
    """09:00 in Berlin is the evening before in Honolulu."""
    service = make_service(make_employee())
    day = soon().date()
    picker = client.get(reverse("booking:time", args=[service.pk]), {"date": (day - timedelta(days=1)).isoformat(), "timezone": "Pacific/Honolulu"}).context[
        "picker"
    ]
    assert all(one.start.astimezone(picker.zone).date() == picker.day for one in picker.times)
    assert soon(9) in [one.start for one in picker.times] or soon(9).astimezone(picker.zone).date() != picker.day


def test_it_offers_the_next_free_time_when_a_day_or_a_month_is_empty(client):
    eve = make_employee()
    eve.calendar.working_hours.exclude(weekday=0).delete()
    service = make_service(eve, horizon=400)
    url = reverse("booking:time", args=[service.pk])
    sunday = TODAY + timedelta(days=6 - TODAY.weekday() + 7)

    page = client.get(url, {"date": sunday.isoformat(), "timezone": "Europe/Berlin"})
    assert "Nothing is free on" in text_of(page)
    found = page.context["picker"].next_free.astimezone(ZoneInfo("Europe/Berlin"))
    assert (found.date(), found.hour) == (sunday + timedelta(days=1), 9)

    eve.calendar.time_off.create(first_day=TODAY, last_day=TODAY + timedelta(days=100))
    page = client.get(url, {"month": f"{TODAY + timedelta(days=40):%Y-%m}"})
    assert "Nothing is free in" in text_of(page)
    assert page.context["picker"].next_free.date() > TODAY + timedelta(days=100)
    # Without a wish the month of the first free time is opened.
    assert client.get(url).context["picker"].times

    eve.calendar.working_hours.all().delete()
    assert "There are no free times at the moment" in text_of(client.get(url))


def test_it_gives_htmx_the_part_that_changes_and_browsers_the_page(client):
    service = make_service(make_employee())
    url = reverse("booking:time", args=[service.pk])
    part = client.get(url, headers={"HX-Request": "true"})
    page = client.get(url)
    restored = client.get(url, headers={"HX-Request": "true", "HX-History-Restore-Request": "true"})

    assert part.content.strip().startswith(b'<div id="picker"')
    assert b"<html" in page.content
    assert b"<html" in restored.content
    for answer in (part, page):
        assert "HX-Request" in answer["Vary"]
        assert "no-store" in answer["Cache-Control"]


def test_it_asks_the_database_as_often_for_many_employees_and_services_as_for_few(client, django_assert_max_num_queries, django_assert_num_queries):
    employees = [make_employee("Eve"), make_employee("Adam")]
    service = make_service(*employees)
    make_service(*employees, name="Colour")
    client.get("/")  # fills caches that are filled once

    def queries(url: str) -> int:
        with django_assert_max_num_queries(40) as counted:
            assert client.get(url).status_code == 200
        return len(counted)

    slots = f"/service/{service.pk}/time/?employee=any"
    few = queries("/"), queries(f"/service/{service.pk}/"), queries(slots)
    more = [make_employee(f"Worker{number}") for number in range(8)]
    service.employees.add(*more)
    for number in range(10):
        make_service(*more, name=f"Service {number}", category=Category.objects.create(name=f"Category {number}"))
    send(Client(), service, soon())
    assert (queries("/"), queries(f"/service/{service.pk}/"), queries(slots)) == few
    assert few[0] <= 3
    assert few[2] <= 16


def test_it_says_that_a_request_waits_for_approval(client):
    service = make_service(make_employee(), needs_approval=True)
    send(client, service, soon())
    page = text_of(client.get("/booked/"))
    assert "We have received your request" in page
    assert Attendance.objects.get().status == "pending"


def test_it_shows_the_confirmation_only_to_the_browser_that_booked_and_not_for_ever(client):
    service = make_service(make_employee())
    send(client, service, soon())
    assert client.get("/booked/").status_code == 200
    assert Client().get("/booked/").status_code == 302
    with time_machine.travel(_now() + timedelta(minutes=31), tick=False):
        assert client.get("/booked/").status_code == 302


def test_it_says_so_when_nothing_is_offered(client):
    assert "Nothing can be booked online at the moment" in text_of(client.get("/"))
    assert "can't be booked online at the moment" in text_of(client.get(reverse("booking:service", args=[make_service().pk])))


def test_the_shops_zone_is_used_when_nobody_says_another(client):
    service = make_service(make_employee())
    page = client.get(reverse("booking:time", args=[service.pk]))
    assert f'data-zone-guessed="{settings.TIME_ZONE}"' in page.content.decode()
