"""What a customer has typed stays theirs while they look for another time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.test import Client

from booking.models import Appointment
from booking.tests.pages import WHO, book, details_url, links_of, send
from booking.tests.salon import make_employee, make_service, soon

pytestmark = pytest.mark.django_db


def test_nothing_typed_is_lost_on_the_way_to_all_free_times(client):
    """Seen red with a link in place of the button."""
    service = make_service(make_employee(), make_employee("Adam"))
    book(Client(), service, soon())
    book(Client(), service, soon())
    answer = send(client, service, soon(), first_name="Dora", notes="two\nlines", timezone="Asia/Tokyo")
    assert answer.status_code == 409
    assert 'name="other" value="1" class="btn-text">Show all free times' in answer.content.decode()
    times = client.post(
        details_url(service, soon(), timezone="Asia/Tokyo"), {**WHO, "first_name": "Dora", "notes": "two\nlines", "start": soon(), "other": "1"}
    )
    assert times.status_code == 302
    assert "Dora" not in times.url
    assert Appointment.objects.count() == 2
    page = client.get(times.url)
    assert page.context["picker"].day == soon().astimezone(ZoneInfo("Asia/Tokyo")).date()
    form = client.get(next(link for link in links_of(page) if "/details/" in link)).context["form"]
    assert {name: form[name].value() for name in WHO} == {**WHO, "first_name": "Dora", "notes": "two\nlines"}
    # Booked, or half an hour later, it is forgotten.
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=31)):
        assert client.get(details_url(service, soon(11))).context["form"]["first_name"].value() is None
    book(client, service, soon(11))
    assert client.get(details_url(service, soon(12))).context["form"]["first_name"].value() is None
