"""The shop's own texts: written in the admin with placeholders, preview and trial, checked before they are saved, and used in the mails."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.core import mail
from django.test import Client

from booking.models import Attendance, Employee, MailText, Message, Reminder
from booking.notifications import proofreading, reminders, texts
from booking.notifications.placeholders import allowed_in, fill, values_for
from booking.notifications.sending import send_due
from booking.notifications.texts import TEXTS
from booking.tests.happening import make_event, register
from booking.tests.mails import CLARA, booking, deliver, part
from booking.tests.pages import text_of
from booking.tests.salon import make_customer, make_employee, soon

pytestmark = pytest.mark.django_db

EVE = "eve@salon.example"
ADD = "/admin/booking/mailtext/add/?of="
OWN = {
    "subject": "See you: %appointment_date:EEE d MMM%",
    "body": "# Hurray\n\nHello %customer_first_name%,\n\n| %service_name% | %booking_price%\n[Look] %appointment_manage_url%",
}


@pytest.fixture
def desk(client: Client, admin) -> Client:
    client.force_login(admin)
    return client


def write(desk: Client, key: str = "customer/booked/en", **typed: str):
    return desk.post(ADD + key, {**OWN, "is_active": "on", "of": key, **typed})


def preview(desk: Client, key: str = "customer/booked/en", **typed: str):
    return desk.post("/admin/booking/mailtext/preview/", {**OWN, "place": key, **typed})


def framed(answer) -> str:
    """The mail inside the preview."""
    found = re.search(r'srcdoc="([^"]*)"', answer.content.decode())
    assert found
    return unescape(found[1])


@pytest.mark.feature("P11")
def test_an_own_text_is_used_in_its_language_and_ours_in_the_others(desk: Client):
    """Red when the shop's text isn't looked for, or its language isn't asked for."""
    assert write(desk).status_code == 302
    booking()
    mails = deliver()
    assert re.fullmatch(r"See you: [A-Z][a-z]{2} \d+ [A-Z][a-z]{2}", mails[CLARA]["Subject"])
    assert part(mails[CLARA], "plain").startswith("Hurray\n\nHello Clara,\n\nHaircut: 35.00")
    assert "<h1>Hurray</h1>" in part(mails[CLARA], "html")
    assert "A new appointment" in part(mails[EVE], "plain")
    eve = Employee.objects.get()
    booking(service=eve.services.get(), employee=eve, start=soon(13), email="d@example.org", language="de")
    assert "Ihr Termin ist gebucht" in part(deliver()["d@example.org"], "plain")


@pytest.mark.feature("P11")
def test_switched_off_or_gone_ours_is_back(desk: Client):
    """Red when `is_active` isn't asked for."""
    write(desk)
    row = MailText.objects.get()
    assert desk.post(f"/admin/booking/mailtext/{row.pk}/ours/").status_code == 302
    booking()
    assert "Your appointment is booked" in part(deliver()[CLARA], "plain")
    row.refresh_from_db()
    assert row.body == OWN["body"]
    assert "our text (yours is off)" in text_of(desk.get("/admin/booking/mailtext/"))


@pytest.mark.feature("P11")
@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("body", "Hello %customer_frist_name%", "There is no placeholder %customer_frist_name%."),
        ("body", "%event_name%", "%event_name% is not filled in mails of this kind."),
        ("body", "%appointment_approve_url%", "%appointment_approve_url% is not filled in mails of this kind."),
        ("body", "%appointment_date:QQQ%", "this is no format for it."),
        ("body", "Hi\n\n| When", "Line 3 begins with |."),
        ("body", "#Hi", "Line 1 begins with #."),
        ("body", "Hi\n[Look]", "Line 2 begins with [."),
        ("body", "[Look] javascript:alert(1)", "The button in line 1 leads nowhere."),
        ("body", "[Look] https://%customer_first_name%/", "The button in line 1 leads nowhere."),
        ("body", "[Look] %customer_full_name%", "The button in line 1 leads nowhere."),
        ("subject", "%nonsense%", "There is no placeholder %nonsense%."),
        ("subject", " ", "A mail needs a subject."),
        ("body", "", "This field is required."),
    ],
)
def test_a_text_with_a_mistake_is_refused_in_words_and_nothing_typed_is_lost(desk: Client, field, typed, said):
    """Red when the text isn't proofread before it is saved."""
    answer = write(desk, **{field: typed})
    assert answer.status_code == 200
    assert said in text_of(answer)
    assert not MailText.objects.exists()
    shown = unescape(answer.content.decode())
    assert all(value.strip() in shown for value in {**OWN, field: typed}.values())


def test_our_own_texts_have_no_mistakes():
    for text in TEXTS:
        for language in ("de", "en"):
            written = texts.ours(text.audience, text.kind, language)
            assert proofreading.mistakes(text, written, marks=not text.is_list) == [], (text, language)


@pytest.mark.feature("P11")
def test_a_new_text_begins_as_ours_beside_every_placeholder_it_may_have(desk: Client):
    """Red when the list is that of another kind of mail."""
    for text in TEXTS:
        page = desk.get(f"{ADD}{text.audience}/{text.kind}/de")
        assert page.status_code == 200, text
        listed = re.findall(r'data-placeholder="%(\w+)%"', page.content.decode())
        assert listed == [one.name for one in allowed_in(text.where)]
        assert page.context["adminform"].form.initial["body"] in texts.ours(text.audience, text.kind, "de")


@pytest.mark.feature("P11")
def test_the_preview_shows_what_is_typed_with_a_real_booking_but_no_working_link(desk: Client):
    """Red when the real values are shown with their links: whoever may write texts could then act as the customer."""
    attendance = booking(first_name="Zoë", notes="<b>bold</b>")
    answer = preview(desk, about=str(attendance.pk), body=OWN["body"] + "\n\n%booking_notes%\n\n[Panel] %customer_panel_url%")
    assert answer.status_code == 200
    assert "Hello Zoë," in text_of(answer)
    assert "&lt;b&gt;bold&lt;/b&gt;" in framed(answer)
    everything = unescape(answer.content.decode())
    assert "https://example.org/booking/…/" in everything
    assert "localhost:8000/booking/" not in everything
    assert "localhost:8000/mine/" not in everything
    made_up = preview(desk)
    assert "Hello Clara," in framed(made_up)
    assert not Message.objects.exclude(attendance=attendance).exists()


@pytest.mark.parametrize("key", ["employee/pending/de", "registrant/registered/en", "organizer/registered/de", "employee/group_appointment_details/en"])
def test_every_kind_has_its_preview_with_a_real_booking_too(desk: Client, key: str):
    about = register(make_event(make_employee("Eve"))) if key.startswith(("registrant", "organizer")) else booking()
    place = texts.place_of(key)
    assert place
    subject, body = texts.split(texts.ours(place.text.audience, place.text.kind, place.language))
    answer = preview(desk, key, subject=subject, body=body or subject, about=str(about.pk))
    assert answer.status_code == 200
    assert "errornote" not in answer.content.decode()
    assert not re.search(r"%[a-z_]+%", framed(answer))


@pytest.mark.feature("P11")
def test_a_test_goes_to_the_address_named_and_to_nobody_else(desk: Client):
    """Red when the test is sent to the booking's customer, or what is typed isn't proofread first."""
    attendance = booking()
    mail.outbox = []
    url = "/admin/booking/mailtext/trial/"
    typed = {**OWN, "place": "customer/booked/en", "about": str(attendance.pk)}
    assert "Sent to me@example.org." in text_of(desk.post(url, {**typed, "trial_address": "me@example.org"}))
    assert [(one.to, one.cc, one.bcc) for one in mail.outbox] == [(["me@example.org"], [], [])]
    assert str(mail.outbox[0].subject).startswith("[Test] See you: ")
    assert "localhost:8000/booking/" not in mail.outbox[0].body
    for wrong in (
        {"trial_address": "nobody"},
        {"trial_address": "a@example.org\nBcc: b@example.org"},
        {"trial_address": "a@example.org", "body": "%nonsense%"},
    ):
        assert "errornote" in desk.post(url, {**typed, **wrong}).content.decode()
    assert len(mail.outbox) == 1


def test_a_mail_server_that_refuses_the_test_is_quoted(desk: Client, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    answer = desk.post("/admin/booking/mailtext/trial/", {**OWN, "place": "customer/booked/en", "trial_address": "me@example.org"})
    assert answer.status_code == 200
    assert "The mail could not be sent" in text_of(answer)


@pytest.mark.feature("P11")
def test_a_reminder_may_have_its_own_text_in_each_language(desk: Client):
    """Red when the reminder's text isn't asked for, or those of other reminders are taken."""
    attendance = booking()
    deliver()
    one, other = Reminder.objects.create(hours=24), Reminder.objects.create(hours=200)
    assert write(desk, f"customer/reminder/en/{one.pk}", subject="The own one", body="Come!").status_code == 302
    assert write(desk, "customer/reminder/en", subject="The one for all", body="Come!").status_code == 302
    assert MailText.objects.get(reminder=one).kind == "reminder"
    reminders.write_due(attendance.appointment.start - one.distance / 2)
    assert not Message.objects.filter(reminder=other).exists()  # news is younger than that
    mail.outbox = []
    send_due(attendance.appointment.start - one.distance / 2)
    assert [str(message.subject) for message in mail.outbox] == ["The own one"]
    assert texts.source("customer", "reminder", "en", other.pk).startswith("The one for all")
    assert texts.source("customer", "reminder", "de", one.pk).startswith("Ihr Termin am")
    assert desk.get(f"{ADD}employee/reminder/en/{one.pk}").status_code == 302  # it goes to customers


@pytest.mark.feature("P11")
def test_lists_have_a_text_of_their_own_and_customers_read_only_themselves_in_them(desk: Client):
    """Red when the list for customers is made of all who come."""
    attendance = booking(notes="Left-handed")
    Attendance.objects.create(appointment=attendance.appointment, customer=make_customer(), price=20)
    assert write(desk, "employee/group_appointment_details/en", body="%customer_full_name%: %booking_notes%").status_code == 302
    template = "%group_appointment_details%"
    assert fill(template, values_for(attendance, audience="employee", language="en", timezone="UTC")) == "Clara Kunde: Left-handed\nCarla Kundin: "
    assert fill(template, values_for(attendance, audience="customer", language="en", timezone="UTC")) == "Name: Clara Kunde"
    refused = write(desk, "organizer/group_event_details/en", body="%event_name%")
    assert "%event_name% is not filled" in text_of(refused)


def test_a_shops_text_is_filled_and_never_run(desk: Client):
    """Red when it goes through the template engine."""
    evil = "{% include 'email/en/customer/_details.txt' %} {{ settings.SECRET_KEY }} <script>x</script>"
    write(desk, body=evil)
    booking()
    mails = deliver()
    assert evil in part(mails[CLARA], "plain")
    assert "<script>" not in part(mails[CLARA], "html")


def test_the_list_shows_every_text_and_leads_to_it(desk: Client, django_assert_max_num_queries):
    write(desk)
    Reminder.objects.create(hours=5)
    with django_assert_max_num_queries(12):
        page = desk.get("/admin/booking/mailtext/")
    content = page.content.decode()
    assert content.count("?of=") == 2 * len(TEXTS) - 1 + 2
    assert "your text" in text_of(page)
    assert "5 hours before the start (customer)" in text_of(page)
    row = MailText.objects.get()
    assert desk.get(f"{ADD}customer/booked/en").headers["Location"].endswith(f"/{row.pk}/change/")
    assert desk.get("/admin/booking/mailtext/add/").status_code == 302
    assert desk.get(f"{ADD}customer/nonsense/en").status_code == 302


def test_a_second_one_written_meanwhile_is_not_lost(desk: Client):
    write(desk)
    answer = write(desk, subject="Another")
    assert answer.status_code == 200
    assert "Somebody has written this text meanwhile." in text_of(answer)
    assert MailText.objects.get().subject == OWN["subject"]


def test_who_may_not_write_texts_neither_previews_nor_sends(client: Client, manager, employee):
    manager.groups.get().permissions.filter(codename__in=["add_mailtext", "change_mailtext"]).delete()
    client.force_login(manager)
    for name in ("preview", "trial"):
        assert client.post(f"/admin/booking/mailtext/{name}/", {**OWN, "place": "customer/booked/en", "trial_address": "x@example.org"}).status_code == 403
    row = MailText.objects.create(audience="customer", kind="booked", language="en", **OWN)
    assert client.post(f"/admin/booking/mailtext/{row.pk}/ours/").status_code == 403
    assert client.get(f"/admin/booking/mailtext/{row.pk}/change/").status_code == 200
    assert mail.outbox == []


def test_going_back_to_a_version_brings_its_words_again(desk: Client):
    write(desk)
    row = MailText.objects.get()
    url = f"/admin/booking/mailtext/{row.pk}/change/"
    assert desk.post(url, {**OWN, "body": "Newer", "is_active": "on"}).status_code == 302
    version = row.history.order_by("history_id").first()
    assert version
    assert desk.get(f"/admin/booking/mailtext/{row.pk}/history/{version.pk}/").status_code == 200
    assert desk.post(f"/admin/booking/mailtext/{row.pk}/history/{version.pk}/", {**OWN, "is_active": "on"}).status_code == 302
    row.refresh_from_db()
    assert row.body == OWN["body"]


def test_a_reminder_that_becomes_a_follow_up_gets_texts_of_its_new_kind(desk: Client):
    """Red when a reminder may have one text a language, whatever it was for."""
    rule = Reminder.objects.create(hours=24)
    assert write(desk, f"customer/reminder/en/{rule.pk}").status_code == 302
    Reminder.objects.update(when="after")
    assert write(desk, f"customer/follow_up/en/{rule.pk}").status_code == 302
    assert MailText.objects.filter(reminder=rule).count() == 2
