"""What the mails say: every kind, to both sides, in both languages, and nothing that a stranger slipped in."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import cast

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from booking.actions import appointments
from booking.models import Location, Message
from booking.notifications import markup
from booking.notifications.placeholders import Where, unknown
from booking.tests.mails import CLARA, booking, deliver, part
from booking.tests.salon import make_employee, make_service, soon

pytestmark = pytest.mark.django_db

EVE, FINN = "eve@salon.example", "finn@salon.example"
TEXTS = Path(settings.BASE_DIR) / "templates" / "email"
PAYLOADS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ settings.SECRET_KEY }}",
    "{% include 'account/login.html' %}",
    "%customer_panel_url%",
    "%appointment_manage_url%",
    "http://evil.example/win",
    "www.evil.example",
    "[Click here] http://evil.example",
    "# Big news\n\n| Pay | http://evil.example",
    "x\r\nBcc: victim@example.org",
    "x\u2028Subject: hi\0",
    "javascript:alert(1)",
    "\u202egnp.exe",
]


def story(language: str):
    """Asked for, moved while waiting, approved, moved, given to Finn, cancelled; another one is rejected. Yields (name, mails)."""
    eve, finn = make_employee("Eve", language=language, last_name="Weber"), make_employee("Finn", language=language)
    place = Location.objects.create(name="Studio", address="Lindenstraße 1")
    service = make_service(eve, finn, needs_approval=True)
    service.locations.add(place)
    attendance = booking(service=service, employee=eve, language=language)
    appointment, now = attendance.appointment, timezone.now()
    yield "pending", deliver()
    appointments.reschedule(appointment=appointment, start=soon(11), now=now)
    yield "rescheduled_pending", deliver()
    appointments.approve(appointment=appointment, now=now)
    yield "approved", deliver()
    appointments.reschedule(appointment=appointment, start=soon(14), now=now)
    yield "rescheduled", deliver()
    appointments.reassign(appointment=appointment, employee=finn, now=now)
    yield "reassigned", deliver()
    appointments.cancel(appointment=appointment, now=now)
    yield "cancelled", deliver()
    appointments.reinstate(appointment=appointment, now=now)
    yield "booked", deliver()
    other = booking(service=service, employee=eve, start=soon(16), language=language)
    deliver()
    appointments.reject(appointment=other.appointment, now=now)
    yield "rejected", deliver()


EXPECTED = {
    "de": {
        "pending": ("Ihre Anfrage ist eingegangen", "Eine neue Anfrage"),
        "rescheduled_pending": ("Ihre Anfrage wurde verschoben", "Eine Anfrage wurde verschoben"),
        "approved": ("Ihr Termin ist bestätigt", "Ein Termin ist bestätigt"),
        "rescheduled": ("Ihr Termin wurde verschoben", "Ein Termin wurde verschoben"),
        "reassigned": ("Ihr Termin ist jetzt bei Finn", "Ein neuer Termin"),
        "cancelled": ("Ihr Termin ist abgesagt", "Ein Termin ist abgesagt"),
        "booked": ("Ihr Termin ist gebucht", "Ein neuer Termin"),
        "rejected": ("Ihre Anfrage konnten wir nicht annehmen", "Eine Anfrage ist abgelehnt"),
    },
    "en": {
        "pending": ("We have received your request", "A new request"),
        "rescheduled_pending": ("Your request has been moved", "A request has been moved"),
        "approved": ("Your appointment is confirmed", "An appointment is confirmed"),
        "rescheduled": ("Your appointment has been moved", "An appointment has been moved"),
        "reassigned": ("Your appointment is now with Finn", "A new appointment"),
        "cancelled": ("Your appointment is cancelled", "An appointment is cancelled"),
        "booked": ("Your appointment is booked", "A new appointment"),
        "rejected": ("We could not accept your request", "A request is rejected"),
    },
}


@pytest.mark.feature("P11")
@pytest.mark.parametrize("language", ["de", "en"])
def test_each_change_is_told_to_both_sides_in_their_language(language):
    """Red when a text is missing, has a placeholder that isn't filled, or the recipient's language isn't used."""
    seen = {}
    for name, mails in story(language):
        staff = EVE if EVE in mails and name != "reassigned" else FINN
        seen[name] = (mails[CLARA], mails[staff])
        for mail in mails.values():
            for text in (mail["Subject"], part(mail, "plain"), part(mail, "html")):
                assert not re.search(r"%[a-z_:]+%|\{%|\{\{", text.partition("</style>")[2] or text), (name, text)
            assert f'<html lang="{language}">' in part(mail, "html")
        if name == "reassigned":
            assert {"de": "nicht mehr bei Ihnen", "en": "no longer yours"}[language] in part(mails[EVE], "plain")
    assert {name: (headline(one), headline(two)) for name, (one, two) in seen.items()} == EXPECTED[language]


def headline(mail) -> str:
    """The same in both parts."""
    line = part(mail, "plain").splitlines()[0]
    assert f"<h1>{line}</h1>" in part(mail, "html")
    return line


def test_every_text_has_only_placeholders_that_are_filled_there():
    for path in TEXTS.rglob("*.txt"):
        assert unknown(path.read_text(), cast(Where, path.parent.name)) == [], path


def test_both_languages_have_the_same_texts():
    names = {one: {str(path.relative_to(TEXTS / one)) for path in (TEXTS / one).rglob("*.txt")} for one in ("de", "en")}
    assert names["de"] == names["en"]
    assert len(names["de"]) == 42


def test_a_move_tells_the_old_and_the_new_time_to_the_customer_in_the_customers_zone():
    """Red when the old time is read from the table, where it is already the new one."""
    attendance = booking(timezone="Asia/Kolkata")
    deliver()
    appointments.reschedule(appointment=attendance.appointment, start=soon(15), now=timezone.now())
    mails = deliver()
    winter = soon(10).hour == 9
    old, new = ("2:30 PM", "7:30 PM") if winter else ("1:30 PM", "6:30 PM")
    for kind in ("plain", "html"):
        text = part(mails[CLARA], kind)
        assert re.search(r"Before.*" + old + r".*When.*" + new, text, re.DOTALL)
        assert "Asia/Kolkata" in text
    assert re.search(r"Before.*10:00 AM.*When.*3:00 PM", part(mails[EVE], "plain"), re.DOTALL)


class Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.found += [value or "" for name, value in attrs if name in ("href", "src")]
        assert not [name for name, _ in attrs if name.startswith("on")]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_what_a_guest_types_stays_text_in_every_mail(payload):
    """Red when a value is marked safe, when values are filled before the marks are read, or when addresses stay whole."""
    if connection.vendor == "postgresql":
        payload = payload.replace("\x00", "")  # it can't be stored there at all
    eve = make_employee("Eve", language="en")
    attendance = booking(service=make_service(eve), employee=eve, first_name=payload[:150], last_name=payload[:150], phone=payload[:40], notes=payload)
    mails = deliver()
    appointments.reschedule(appointment=attendance.appointment, start=soon(15), now=timezone.now())
    moved = deliver()
    appointments.cancel(appointment=attendance.appointment, now=timezone.now())
    for mail in [*mails.values(), *moved.values(), *deliver().values()]:
        page = Links()
        page.feed(part(mail, "html"))
        assert all(link.startswith("http://localhost:8000/") for link in page.found)
        assert not page.tags & {"script", "img", "iframe", "form"}
        for text in (part(mail, "plain"), part(mail, "html")):
            assert "evil.example" not in text
            assert "http://evil" not in text
            assert settings.SECRET_KEY not in text
        assert mail.get_all("To") == [mail["To"]]
        assert mail["Bcc"] is None
        assert mail["To"] in (CLARA, EVE)
        assert len(mail.get_all("Subject") or []) == 1


def test_a_value_cannot_become_a_heading_a_row_or_a_button():
    subject, blocks = markup.parse("Hello\n\n# Title\n\nText %a%\nmore\n\n| A | 1\n| B | 2\n[Go] %url%")
    assert subject == "Hello"
    assert [(block.kind, block.lines) for block in blocks] == [
        ("heading", (("", "Title"),)),
        ("text", (("", "Text %a%\nmore"),)),
        ("rows", (("A", "1"), ("B", "2"))),
        ("buttons", (("Go", "%url%"),)),
    ]


def test_answers_go_to_people(settings):
    settings.COMPANY = {**settings.COMPANY, "email": ""}
    booking()
    mails = deliver()
    assert EVE in mails[CLARA]["Reply-To"]
    assert CLARA in mails[EVE]["Reply-To"]
    assert mails[CLARA]["Auto-Submitted"] == "auto-generated"


def test_the_same_message_has_the_same_id_each_time():
    """Red when Django makes the id up."""
    booking()
    first = deliver()
    Message.objects.update(state=Message.State.OPEN)
    assert {to: mail["Message-ID"] for to, mail in deliver().items()} == {to: mail["Message-ID"] for to, mail in first.items()}
    assert len({mail["Message-ID"] for mail in first.values()}) == 2
