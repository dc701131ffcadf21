"""Files that strangers send: looked into, kept where no address reaches, given to staff only."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from django.conf import settings as django_settings
from django.core.files.storage import default_storage
from django.test import Client
from django.urls import reverse

from booking.actions import answers
from booking.models import Answer, Appointment, Attendance, CustomField, Service, Upload
from booking.notifications.placeholders import fill, unknown, values_for
from booking.tasks import purge
from booking.tests.options import PDF, archive, file, make_field, picture
from booking.tests.pages import WHO, details_url, links_of, ripe_stamp, send, text_of
from booking.tests.salon import make_employee, make_service, soon
from booking.uploads import cleaned_name
from conftest import make_user

pytestmark = pytest.mark.django_db
MEGABYTE = 1024 * 1024


@pytest.fixture(autouse=True)
def media(settings, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path / "media"
    return tmp_path / "media"


@pytest.fixture
def service() -> Service:
    return make_service(make_employee("Eve"))


@pytest.fixture
def scan() -> CustomField:
    return make_field("Your scan", "file", required=True)


def kept(media: Path) -> list[str]:
    return sorted(str(one.relative_to(media)) for one in media.rglob("*") if one.is_file())


@pytest.mark.feature("P8")
def test_a_file_is_kept_and_only_staff_of_the_appointment_get_it(client, service, scan, media, outsider, manager):
    """Red when own_appointment() is taken out of pages/diary.file, or the file goes without `as_attachment`."""
    assert send(client, service, soon(), **{f"field_{scan.pk}": file("../../étude \u202e.pdf", PDF)}).status_code == 302
    answer = Answer.objects.get()
    assert answer.value == "étude .pdf"
    assert answer.upload is not None
    stored = media / str(answer.upload.file.name)
    assert stored.read_bytes() == PDF
    assert stored.stat().st_mode & 0o77 == 0
    assert "tude" not in str(stored)
    assert "étude .pdf" in text_of(client.get("/booked/"))

    url = reverse("booking:appointment_file", args=[answer.attendance.appointment_id, answer.pk])
    assert url not in client.get("/booked/").content.decode()
    assert client.get(url).status_code == 302
    eve = service.employees.get()
    eve.user = make_user("eve", "employee")
    eve.save()
    for user, code in ((outsider, 404), (make_user("colleague", "employee"), 404), (eve.user, 200), (manager, 200)):
        client.force_login(user)
        assert client.get(url).status_code == code
    answered = client.get(url)
    assert b"".join(answered.streaming_content) == PDF
    assert answered["Content-Disposition"].startswith("attachment")
    assert answered["X-Content-Type-Options"] == "nosniff"
    assert answered["Content-Type"] == "application/pdf"
    assert "no-store" in answered["Cache-Control"]
    assert url in links_of(client.get(f"/profile/appointment/{answer.attendance.appointment_id}/"))
    # An answer of another appointment is not found below this one, and no address leads to the folder.
    other = Appointment.objects.create(service=service, start=soon(15), end=soon(16))
    assert client.get(reverse("booking:appointment_file", args=[other.pk, answer.pk])).status_code == 404
    for path in (f"/media/{answer.upload.file.name}", f"/media/pictures/../{answer.upload.file.name}", f"/media/{answer.upload.file.name}.webp"):
        assert client.get(path).status_code == 404


@pytest.mark.feature("P8")
@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("page.png", b"<html><script>alert(1)</script></html>", "not what its name says"),
        ("page.pdf", b"MZ\x90\x00\x03", "not what its name says"),
        ("photo.jpg", picture("PNG"), "not what its name says"),
        ("letter.docx", archive("xl/workbook.xml"), "not what its name says"),
        ("letter.docx", archive("word/document.xml", "word/vbaProject.bin"), "not what its name says"),
        ("letter.docx", b"PK\x03\x04 and no archive", "not what its name says"),
        ("note.txt", b"\x00\x01\x02", "not what its name says"),
        ("note.txt", b"\xff\xfe\xfa", "not what its name says"),
        ("page.html", b"<html>", "this kind"),
        ("drawing.svg", b"<svg onload='alert(1)'/>", "this kind"),
        ("run.exe", b"MZ", "this kind"),
        ("pdf", PDF, "this kind"),
        (".pdf", PDF, "this kind"),
        ("empty.pdf", b"", "empty"),
        ("big.pdf", PDF + b"x" * MEGABYTE, "too large"),
        ("big.pdf", PDF + b"x" * 5 * MEGABYTE, "too large"),
    ],
)
def test_what_a_file_is_not_is_said_at_the_field_and_nothing_is_kept(client, service, scan, media, settings, name, content, words):
    """Red when checked() believes the name, and with CappedUpload without its limit (it must see 1 MB of the 5)."""
    settings.UPLOAD_LIMIT = MEGABYTE
    answer = send(client, service, soon(), first_name="Dora", **{f"field_{scan.pk}": file(name, content)})
    assert answer.status_code == 400
    (told,) = answer.context["questions"].errors[f"field_{scan.pk}"]
    assert words in told
    assert answer.context["form"]["first_name"].value() == "Dora"
    assert kept(media) == []
    assert not Appointment.objects.exists()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.PDF", PDF),
        ("a.png", picture("PNG")),
        ("a.jpeg", picture()),
        ("a.webp", picture("WEBP")),
        ("a.heic", b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00"),
        ("a.txt", "grüße\r\n\tdu".encode()),
        ("a.docx", archive("[Content_Types].xml", "word/document.xml")),
        ("a.odt", archive("mimetype", "content.xml")),
    ],
)
def test_what_is_what_it_says_is_taken(client, service, scan, name, content):
    assert send(client, service, soon(), **{f"field_{scan.pk}": file(name, content)}).status_code == 302
    assert Upload.objects.get().size == len(content)


def test_no_more_of_a_file_is_received_than_shows_that_it_is_too_large(client, service, scan, settings):
    """Red without CappedUpload."""
    settings.UPLOAD_LIMIT = MEGABYTE
    answer = send(client, service, soon(), **{f"field_{scan.pk}": file("big.pdf", PDF + b"x" * 5 * MEGABYTE)})
    assert MEGABYTE < answer.wsgi_request.FILES[f"field_{scan.pk}"].size <= MEGABYTE + 2 * 64 * 1024


@pytest.mark.feature("P8")
def test_a_file_that_has_arrived_survives_errors_another_time_and_a_taken_slot(client, service, scan, media):
    """Red when keep_files() is not called before the page with the error, or the widget forgets what is kept."""
    send(Client(), service, soon(), email="other@example.org", **{f"field_{scan.pk}": file("theirs.pdf", PDF)})
    wrong = send(client, service, soon(), email="", **{f"field_{scan.pk}": file("mine.pdf", PDF + b"2")})
    assert wrong.status_code == 400
    assert "“mine.pdf” has arrived" in text_of(wrong)
    upload = Upload.objects.get(name="mine.pdf")
    again = {f"field_{scan.pk}_kept": str(upload.uuid)}
    taken = send(client, service, soon(), **again)
    assert taken.status_code == 409
    assert "“mine.pdf” has arrived" in text_of(taken)
    times = client.post(details_url(service, soon()), {**WHO, **again, "start": soon(), "other": "1"})
    form = client.get(next(link for link in links_of(client.get(times.url)) if "/details/" in link))
    assert "“mine.pdf” has arrived" in text_of(form)
    assert send(client, service, soon(11), **again).status_code == 302
    assert Attendance.objects.latest("pk").answers.get().upload == upload
    assert len(kept(media)) == 2


def test_a_file_chosen_together_with_another_time_is_kept_too(client, service, scan):
    times = client.post(details_url(service, soon()), {**WHO, f"field_{scan.pk}": file("mine.pdf", PDF), "start": soon(), "other": "1"})
    assert times.status_code == 302
    assert "“mine.pdf” has arrived" in text_of(client.get(details_url(service, soon(11))))


def test_an_optional_file_can_be_left_out_again_and_a_required_one_must_be_there(client, service, scan):
    assert send(client, service, soon()).status_code == 400
    optional = make_field("Another", "file")
    upload = answers.keep(checked_pdf())
    answer = send(
        client, service, soon(), **{f"field_{scan.pk}_kept": str(upload.uuid), f"field_{optional.pk}_kept": str(upload.uuid), f"field_{optional.pk}_drop": "1"}
    )
    assert answer.status_code == 302
    assert [one.label for one in Answer.objects.all()] == ["Your scan"]
    gone = send(client, service, soon(11), **{f"field_{scan.pk}_kept": "00000000-0000-4000-8000-000000000000"})
    assert "no longer here" in text_of(gone)
    assert send(client, service, soon(11), **{f"field_{scan.pk}_kept": "../etc/passwd"}).status_code == 400


def checked_pdf(name: str = "x.pdf"):
    from booking.uploads import checked

    return checked(file(name, PDF))


def test_a_form_with_a_file_that_is_sent_twice_books_once(client, service, scan):
    """Red when the fingerprint tells files by their rows."""
    sent = ripe_stamp()
    first, second = (send(client, service, soon(), sent=sent, **{f"field_{scan.pk}": file("a.pdf", PDF)}) for _ in range(2))
    assert (first.status_code, second.status_code) == (302, 302)
    assert Appointment.objects.count() == 1
    assert send(client, service, soon(), sent=sent, **{f"field_{scan.pk}": file("a.pdf", PDF + b"2")}).status_code == 409


def test_a_machine_leaves_no_file_behind(client, service, scan, media):
    assert send(client, service, soon(), website="x", **{f"field_{scan.pk}": file("a.pdf", PDF)}).status_code == 302
    assert kept(media) == []


def test_what_nobody_refers_to_is_deleted_after_a_day(client, service, scan, media):
    """Red when purge() doesn't look at answers, or leaves the file."""
    send(client, service, soon(), **{f"field_{scan.pk}": file("held.pdf", PDF)})
    answers.keep(checked_pdf("waiting.pdf"))
    assert len(kept(media)) == 2
    purge()
    assert len(kept(media)) == 2
    with time_machine.travel(datetime.now(UTC) + timedelta(hours=25)):
        purge()
    assert [one.name for one in Upload.objects.all()] == ["held.pdf"]
    assert kept(media) == [str(Upload.objects.get().file.name)]


def test_strangers_cannot_fill_the_disk(client, service, scan, monkeypatch):
    monkeypatch.setattr(answers, "MOST_WAITING", 100)
    assert send(client, service, soon(), email="", **{f"field_{scan.pk}": file("a.pdf", PDF)}).status_code == 400
    full = send(client, service, soon(), **{f"field_{scan.pk}": file("b.pdf", PDF + b"x" * 90)})
    assert full.status_code == 429
    assert "Too many files" in text_of(full)
    assert default_storage.exists(str(Upload.objects.get().file.name))


@pytest.mark.feature("P8")
def test_only_employees_are_told_of_files_by_placeholder(client, service, scan):
    """Red when own_values() is told files=True for customers."""
    send(client, service, soon(), **{f"field_{scan.pk}": file("a.pdf", PDF)})
    attendance, template = Attendance.objects.get(), f"[%custom_field_{scan.pk}%]"
    told = {who: fill(template, values_for(attendance, audience=who, language="en", timezone="Europe/Berlin")) for who in ("customer", "employee")}
    url = reverse("booking:appointment_file", args=[attendance.appointment_id, Answer.objects.get().pk])
    assert told == {"customer": "[]", "employee": f"[a.\u200bpdf ({django_settings.SITE_URL}{url})]"}
    assert unknown(template, "employee") == []
    assert unknown(template, "customer") == unknown(template, "calendar") == [f"%custom_field_{scan.pk}%"]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a\r\nb.pdf", "ab.pdf"),
        ("..\\..\\x.pdf", "x.pdf"),
        ("/etc/passwd", "etcpasswd"),
        ("\u202efdp.exe", "fdp.exe"),
        ("   ", "file"),
        ("x" * 300 + ".pdf", "x" * 146 + ".pdf"),
    ],
)
def test_of_a_name_stays_what_is_harmless(name, shown):
    assert cleaned_name(name) == shown
