"""The pages in German and in English: words, formats, first day of the week."""

from __future__ import annotations

import pytest
from django.urls import reverse

from booking.models import Attendance
from booking.tests.pages import details_url, send, text_of
from booking.tests.salon import make_employee, make_service, soon
from config.messages import compile_messages
from config.tests.test_translations import GERMAN

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module", autouse=True)
def _compiled() -> None:
    """Django reads compiled catalogues only; `make` compiles them too."""
    compile_messages(GERMAN)


@pytest.mark.feature("P21")
def test_it_speaks_the_browsers_language_and_the_chosen_one(client):
    """Red when LocaleMiddleware or the language form of base.html is taken out."""
    service = make_service(make_employee())
    url = f"{reverse('booking:time', args=[service.pk])}?date={soon().date()}"

    german = client.get(url, headers={"accept-language": "de-AT,de;q=0.9"})
    assert 'lang="de"' in german.content.decode()
    assert "Zeit wählen" in text_of(german)
    assert german.context["picker"].weekdays[0].weekday() == 0  # Monday
    assert "09:00" in text_of(german)
    english = client.get(url, headers={"accept-language": "en-US"})
    assert "Choose a time" in text_of(english)
    assert english.context["picker"].weekdays[0].weekday() == 6  # Sunday
    assert "9 a.m." in text_of(english)
    assert 'name="language" value="de"' in english.content.decode()
    # A chosen language wins over the browser's, and stays.
    assert client.post(reverse("set_language"), {"language": "de", "next": url}).url == url
    assert "Zeit wählen" in text_of(client.get(url, headers={"accept-language": "en-US"}))


def test_the_booking_remembers_the_language_it_was_made_in(client):
    service = make_service(make_employee())
    client.post(reverse("set_language"), {"language": "de"})
    page = send(client, service, soon(), email="x")
    assert "Bitte geben Sie eine E-Mail-Adresse wie name@example.org ein." in text_of(page)
    send(client, service, soon())
    assert Attendance.objects.get().language == "de"
    assert "Ihr Termin ist gebucht" in text_of(client.get("/booked/"))
    taken = send(client, service, soon())
    assert taken.status_code == 409
    assert client.get(details_url(service, soon())).status_code == 200
