"""The demo's mail page reads what Django's file backend wrote, and shows foreign text as text."""

from __future__ import annotations

import pytest
from django.core.mail import EmailMultiAlternatives, get_connection
from django.test import RequestFactory
from django.urls import clear_url_caches, reverse

from config.demo import mail, pages


@pytest.fixture
def folder(tmp_path, settings):
    settings.EMAIL_FILE_PATH = str(tmp_path)
    return tmp_path


def send(folder, *subjects: str) -> None:
    connection = get_connection("django.core.mail.backends.filebased.EmailBackend", file_path=str(folder))
    messages = [EmailMultiAlternatives(subject, "Grüße <script>alert(1)</script>", "salon@example.org", ["clara@example.org"]) for subject in subjects]
    for message in messages:
        message.attach_alternative("<p onclick='x()'>Grüße</p>", "text/html")
        message.attach("invite.ics", "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", "text/calendar")
    connection.send_messages(messages)


def test_it_reads_every_mail_with_its_parts(folder):
    send(folder, "First", "Zweite Änderung")
    mails = mail.read_all(folder)
    assert {one.subject for one in mails} == {"First", "Zweite Änderung"}
    assert mails[0].to == "clara@example.org"
    assert "Grüße" in mails[0].text
    assert mails[0].attachments[0].name == "invite.ics"
    assert "BEGIN:VCALENDAR" in mails[0].attachments[0].text
    assert len({one.key for one in mails}) == 2


def test_an_empty_folder_has_no_mails(tmp_path):
    assert mail.read_all(tmp_path / "nothing") == []


def test_the_page_exists_only_in_the_demo(client):
    assert client.get("/demo/mail/").status_code == 404


@pytest.fixture
def demo_urls(settings):
    """The addresses as the demo has them."""
    settings.ROOT_URLCONF = "config.tests.demo_urls"
    clear_url_caches()
    yield
    clear_url_caches()


@pytest.mark.django_db
def test_it_lists_and_shows_mails_with_foreign_text_escaped(client, folder, demo_urls):
    """Seen red with |safe in the template."""
    send(folder, "Your <b>booking</b>")
    listing = client.get("/demo/mail/").content.decode()
    assert "Your &lt;b&gt;booking&lt;/b&gt;" in listing
    key = mail.read_all(folder)[0].key
    shown = client.get(reverse("demo:mail", args=[key])).content.decode()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown
    assert "<script>alert(1)" not in shown
    assert "onclick=&#x27;x()&#x27;" in shown
    assert "BEGIN:VCALENDAR" in shown


@pytest.mark.django_db
def test_a_key_of_no_mail_is_not_found(client, folder, demo_urls):
    assert client.get("/demo/mail/..%2Fkeys/").status_code == 404
    assert client.get("/demo/mail/nothing-0/").status_code == 404


def test_it_refuses_to_be_written_to(folder):
    assert pages.mail_list(RequestFactory().post("/demo/mail/")).status_code == 405
