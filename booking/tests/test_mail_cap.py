"""Nobody can be flooded with mails by way of the booking form."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from booking.errors import TooMany
from booking.notifications.cap import check_cap
from booking.tests.mails import CLARA, booking
from booking.tests.salon import make_employee, make_service, soon

pytestmark = pytest.mark.django_db


def test_it_refuses_when_an_address_has_had_its_share(settings):
    """Red when the count is not compared, or counts somebody else's mails."""
    settings.MAIL_CAP_PER_ADDRESS = 2
    service = make_service(make_employee("Eve"))
    now = timezone.now()
    check_cap(CLARA, now)
    booking(service=service, start=soon(10))
    check_cap(CLARA, now)
    booking(service=service, start=soon(12), first_name="Somebody", email=CLARA.upper())
    with pytest.raises(TooMany):
        check_cap(CLARA, timezone.now())
    with pytest.raises(TooMany):
        check_cap(f" {CLARA.title()} ", timezone.now())
    check_cap("otto@example.org", timezone.now())
    check_cap("eve@salon.example", timezone.now())
    check_cap(CLARA, timezone.now() + timedelta(days=1, seconds=1))
