"""A meeting next week, and a browser that is signed in as its owner."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.test import Client

from booking.models import Employee
from crm import actions
from crm.models import Meeting

BERLIN = ZoneInfo("Europe/Berlin")


def at(hour: int, *, day: int = 0) -> datetime:
    """That wall time in Berlin on the Monday after next, or `day` days later."""
    today = datetime.now(BERLIN).replace(hour=hour, minute=0, second=0, microsecond=0)
    return (today.replace(tzinfo=None) + timedelta(days=14 - today.weekday() + day)).replace(tzinfo=BERLIN)


@pytest.fixture
def meeting(employee: Employee) -> Meeting:
    return actions.create(owner=employee, title="Budget", location="Room 1", start=at(10), end=at(11), timezone="Europe/Berlin")


@pytest.fixture
def mine(employee: Employee) -> Client:
    client = Client()
    assert employee.user is not None
    client.force_login(employee.user)
    return client
