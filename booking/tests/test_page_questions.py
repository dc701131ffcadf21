"""The shop's own questions in the booking form, and what becomes of the answers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils.translation import override

from booking.models import Answer, Appointment, Attendance, CustomField, Service
from booking.tests.mails import deliver, part
from booking.tests.options import make_field
from booking.tests.pages import WHO, details_url, links_of, ripe_stamp, send, text_of
from booking.tests.salon import make_employee, make_service, soon

pytestmark = pytest.mark.django_db
YESTERDAY = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()


@pytest.fixture
def service() -> Service:
    return make_service(make_employee("Eve", language="en"))


def answers() -> dict[str, str]:
    return dict(Answer.objects.values_list("label", "value"))


@pytest.mark.feature("P8")
def test_it_asks_all_kinds_and_keeps_the_answers(client, service):
    """Red when `given` is not passed on in pages/book.py."""
    name, story = make_field("Dog's name", required=True), make_field("Its story", "long", help="Only if you like.")
    size, tricks = make_field("Size", "choice", choices="small\nbig"), make_field("Tricks", "choices", choices="sit\nroll\nsing")
    rules, born, other = (
        make_field("House rules", "check", required=True),
        make_field("Born", "date"),
        make_field("Not here", "text", make_service(name="Other")),
    )
    page = client.get(details_url(service, soon()))
    assert all(one.label in text_of(page) for one in (name, story, size, tricks, rules, born))
    assert "Only if you like." in text_of(page)
    assert other.label not in text_of(page)

    typed = {
        f"field_{name.pk}": "Rüdiger 🐕",
        f"field_{story.pk}": "a\r\nb",
        f"field_{size.pk}": "big",
        f"field_{born.pk}": "2020-02-29",
        f"field_{rules.pk}": "on",
    }
    answer = send(client, service, soon(), **typed, **{f"field_{tricks.pk}": ["sit", "sing"]})
    assert answer.status_code == 302
    assert answers() == {
        "Dog's name": "Rüdiger 🐕", "Its story": "a\nb", "Size": "big", "Tricks": "sit\nsing", "House rules": "1", "Born": "2020-02-29",
    }  # fmt: skip
    booked = client.get("/booked/")
    manage = client.get(next(link for link in links_of(booked) if link.startswith("/booking/")))
    for page in (booked, manage):
        assert "Tricks sit, sing" in text_of(page)
        assert "House rules yes" in text_of(page)
        assert "Born Feb. 29, 2020" in text_of(page)
    with override("de"):
        assert [one.shown for one in Answer.objects.filter(kind__in=["check", "date"])] == ["ja", "29. Februar 2020"]


@pytest.mark.feature("P8")
def test_what_is_missing_or_impossible_is_said_at_the_field(client, service):
    """Red when the view goes on without questions.is_valid()."""
    name, size = make_field("Name", required=True), make_field("Size", "choice", choices="small\nbig", required=True)
    rules, born = make_field("Rules", "check", required=True), make_field("Born", "date")
    tricks, story = make_field("Tricks", "choices", choices="sit\nroll"), make_field("Story", "long")
    typed = {f"field_{born.pk}": "31.02.2020", f"field_{size.pk}": "huge", f"field_{name.pk}": "a\r\nBcc: x@example.org", f"field_{story.pk}": "x" * 4001}
    answer = send(client, service, soon(), first_name="Dora", **typed, **{f"field_{tricks.pk}": ["fly"]})
    assert answer.status_code == 400
    assert set(answer.context["questions"].errors) == {f"field_{one.pk}" for one in (name, size, rules, born, tricks, story)}
    page = answer.content.decode()
    assert f'id="id_field_{name.pk}_error"' in page
    assert 'value="31.02.2020"' in page
    assert answer.context["form"]["first_name"].value() == "Dora"
    assert not Appointment.objects.exists()
    # A wrong name alone, and the questions keep what was right.
    answer = send(client, service, soon(), first_name="", **{f"field_{name.pk}": "Rex", f"field_{size.pk}": "big", f"field_{rules.pk}": "on"})
    assert answer.status_code == 400
    assert 'value="Rex"' in answer.content.decode()
    assert answer.context["questions"][f"field_{size.pk}"].value() == "big"


@pytest.mark.parametrize("evil", ["<script>alert(1)</script>", "'; DROP TABLE booking_answer;--", "%custom_field_1%", "{{ 7|add:7 }}", "\u202egpj.exe"])
def test_an_answer_is_text_wherever_it_is_shown(client, service, evil):
    field = make_field("Name")
    assert send(client, service, soon(), **{f"field_{field.pk}": evil}).status_code == 302
    assert answers() == {"Name": evil}
    page = client.get("/booked/").content.decode()
    assert "<script>alert" not in page
    assert not Appointment.objects.get().attendances.get().answers.get().shown.startswith("<script>alert(1)</script>x")


@pytest.mark.feature("P8")
def test_addresses_fill_questions_in_and_what_was_typed_survives_another_time(client, service):
    """Red when _remember() leaves out questions.typed, or QuestionsForm begins without `given`."""
    name, tricks = make_field("Name"), make_field("Tricks", "choices", choices="sit\nroll\nsing")
    query = f"{reverse('booking:time', args=[service.pk])}?date={soon().date()}&time=10:00&timezone=Europe/Berlin&field_{name.pk}=Rex&field_{tricks.pk}=sit&field_{tricks.pk}=sing"
    form = client.get(query, follow=True)
    assert form.context["questions"][f"field_{name.pk}"].value() == "Rex"
    assert form.context["questions"][f"field_{tricks.pk}"].value() == ["sit", "sing"]

    typed = {**WHO, f"field_{name.pk}": "Bello", f"field_{tricks.pk}": ["roll", "sing"], "start": soon(), "other": "1"}
    times = client.post(form.request["PATH_INFO"] + "?" + form.request["QUERY_STRING"], typed)
    assert times.status_code == 302
    assert "Bello" not in times.url
    assert "Rex" not in times.url
    again = client.get(next(link for link in links_of(client.get(times.url)) if "/details/" in link))
    assert again.context["questions"][f"field_{name.pk}"].value() == "Bello"
    assert again.context["questions"][f"field_{tricks.pk}"].value() == ["roll", "sing"]


@pytest.mark.feature("P8")
def test_nothing_answered_is_lost_when_the_time_has_been_taken(client, service):
    """Red when the questions are left out of the page that answers 409."""
    name = make_field("Name")
    send(Client(), service, soon())
    answer = send(client, service, soon(), **{f"field_{name.pk}": "Rex"})
    assert answer.status_code == 409
    assert answer.context["questions"][f"field_{name.pk}"].value() == "Rex"


def test_other_answers_with_the_same_form_are_another_wish(client, service):
    name, sent = make_field("Name"), ripe_stamp()
    first, second = (send(client, service, soon(), sent=sent, **{f"field_{name.pk}": "Rex"}) for _ in range(2))
    assert (first.status_code, second.status_code) == (302, 302)
    assert send(client, service, soon(), sent=sent, **{f"field_{name.pk}": "Bello"}).status_code == 409
    assert answers() == {"Name": "Rex"}


@pytest.mark.feature("P8")
def test_staff_read_the_answers_in_the_diary_and_the_admin_also_when_the_field_is_gone(client, service, manager):
    """Red when the answers are taken out of appointment.html or admin/attendance.py, or go with their field."""
    name = make_field("Dog's name")
    send(client, service, soon(), **{f"field_{name.pk}": "Rex"})
    CustomField.objects.all().delete()
    appointment = Appointment.objects.get()
    client.force_login(manager)
    assert "Dog's name Rex" in text_of(client.get(f"/profile/appointment/{appointment.pk}/"))
    assert "Dog's name: Rex" in text_of(client.get(f"/admin/booking/appointment/{appointment.pk}/change/"))


@pytest.mark.feature("P8")
def test_mails_and_calendars_have_a_placeholder_for_each_question_and_extra(client, service):
    """Red when own_values() is taken out of placeholders/values.py."""
    from booking.notifications.placeholders import allowed_in, fill, unknown, values_for, values_for_calendar
    from booking.tests.options import make_extra

    name, born, unanswered = make_field("Name"), make_field("Born", "date"), make_field("Colour")
    towel, other = make_extra(service, max_quantity=3), make_extra(service, "Tea")
    path = f"{details_url(service, soon())}&extra_{towel.pk}=2"
    typed = {f"field_{name.pk}": "see evil.example/x", f"field_{born.pk}": "2020-02-29"}
    client.post(path, {**WHO, **typed, "start": soon().isoformat(), "stamp": ripe_stamp()})
    attendance = Attendance.objects.get()
    template = (
        f"%custom_field_{name.pk}%|%custom_field_{born.pk}:d MMM%|[%custom_field_{unanswered.pk}%]|%service_extras%|%service_extra_{towel.pk}_name%|"
        f"%service_extra_{towel.pk}_quantity%|%service_extra_{towel.pk}_price%|[%service_extra_{other.pk}_name%]"
    )
    told = fill(template, values_for(attendance, audience="customer", language="en", timezone="Europe/Berlin"))
    assert told == "see evil.\u200bexample/x|29 Feb|[]|Hot towel|Hot towel|2|5.50\xa0€|[]"
    assert fill(template, values_for_calendar(attendance.appointment, "en")) == told
    assert unknown(template, "customer") == unknown(template, "calendar") == []
    assert unknown("%custom_field_9999% %service_extra_9999_name%", "mail") == ["%custom_field_9999%", "%service_extra_9999_name%"]
    assert unknown(template, "registrant") != []
    assert f"custom_field_{name.pk}" in [one.name for one in allowed_in("employee")]
    mail = part(deliver()["clara@example.org"], "plain")
    assert "2 × Hot towel: 11.00\xa0€" in mail


def test_the_questions_wait_as_long_as_the_form(client, service):
    name = make_field("Name", required=True)
    client.post(details_url(service, soon()), {**WHO, f"field_{name.pk}": "Rex", "start": soon(), "other": "1"})
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=31)):
        assert client.get(details_url(service, soon(11))).context["questions"][f"field_{name.pk}"].value() is None


def test_a_plain_booking_asks_nothing_more_of_the_database(client, service, django_assert_max_num_queries):
    """Red when has_fields and has_extras come by statements of their own."""
    make_field("Elsewhere", "text", make_service(name="Other"))

    def statements(path: str) -> int:
        with django_assert_max_num_queries(60) as counted:
            assert client.get(path).status_code == 200
        return len([one for one in counted if "customfield" in one["sql"] and "EXISTS" not in one["sql"]])

    assert statements(details_url(service, soon())) == 0
    make_field("Here")
    assert statements(details_url(service, soon())) == 1
