"""What holds while the busy times of a source can't be trusted (catalogue B6): close, mark or offer, as its policy says."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from booking.availability import explain, find_slots
from booking.models import BusySource, Calendar, Employee, Service, WorkingHours

NOW = datetime(2026, 6, 1, 6, tzinfo=UTC)
pytestmark = pytest.mark.django_db

HEALTHY: dict[str, Any] = {"state": "ok", "fetched_at": NOW - timedelta(minutes=5), "max_age": timedelta(minutes=10)}
DOUBTS: dict[str, dict[str, Any]] = {
    "never read": {"state": "waiting", "fetched_at": None},
    "waiting to be read again": {"state": "waiting"},
    "said to be read, but when?": {"fetched_at": None},
    "read too long ago": {"fetched_at": NOW - timedelta(minutes=10, seconds=1)},
    "lost": {"state": "lost"},
}


@pytest.fixture
def service() -> Service:
    return Service.objects.create(name="Cut", duration=60, buffer_after=15, slot_step=60, min_notice=0)


@pytest.fixture
def employee(service: Service) -> Employee:
    calendar = Calendar.objects.create(name="Ada", timezone="UTC")
    WorkingHours.objects.create(calendar=calendar, weekday=1, start=time(9), end=time(12))
    employee = Employee.objects.create(calendar=calendar, first_name="Ada", email="ada@example.org")
    service.employees.add(employee)
    return employee


def at(hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 6, 2, hour, minute, tzinfo=UTC)


def listed(service: Service) -> list[tuple[int, bool]]:
    return [(slot.start.hour, slot.unsure) for slot in find_slots(service=service, start=at(0), end=at(23), now=NOW)]


def source(employee: Employee, policy: str, **doubt: Any) -> BusySource:
    return BusySource.objects.create(calendar=employee.calendar, label="Nextcloud", policy=policy, **{**HEALTHY, **doubt})


@pytest.mark.parametrize("policy", ["close", "mark", "offer"])
def test_a_fresh_source_closes_nothing(service: Service, employee: Employee, policy: str) -> None:
    source(employee, policy, fetched_at=NOW - timedelta(minutes=10), complete_until=at(13))
    assert listed(service) == [(9, False), (10, False), (11, False)]


@pytest.mark.parametrize("doubt", DOUBTS.values(), ids=DOUBTS.keys())
def test_a_doubtful_source_closes_marks_or_offers(service: Service, employee: Employee, doubt: dict[str, Any]) -> None:
    row = source(employee, "close", **doubt)
    assert listed(service) == []
    BusySource.objects.filter(pk=row.pk).update(policy="mark")
    assert listed(service) == [(9, True), (10, True), (11, True)]
    BusySource.objects.filter(pk=row.pk).update(policy="offer")
    assert listed(service) == [(9, False), (10, False), (11, False)]


@pytest.mark.parametrize("doubt", DOUBTS.values(), ids=DOUBTS.keys())
def test_explain_names_the_source_that_is_in_doubt(service: Service, employee: Employee, doubt: dict[str, Any]) -> None:
    row = source(employee, "close", **doubt)
    found = explain(service=service, employee=employee, start=at(9), now=NOW)
    assert [(reason.code, reason.source) for reason in found.reasons] == [("lost" if doubt.get("state") == "lost" else "stale", "Nextcloud")]
    BusySource.objects.filter(pk=row.pk).update(policy="mark")
    found = explain(service=service, employee=employee, start=at(9), now=NOW)
    assert found.bookable
    assert [note.source for note in found.notes] == ["Nextcloud"]


def test_time_beyond_what_is_known_is_closed_with_its_buffers(service: Service, employee: Employee) -> None:
    # The slot at 10:00 needs the calendar until 11:15, its buffer included.
    row = source(employee, "close", complete_until=at(11, 15))
    assert listed(service) == [(9, False), (10, False)]
    BusySource.objects.filter(pk=row.pk).update(complete_until=at(11, 14))
    assert listed(service) == [(9, False)]
    assert [reason.code for reason in explain(service=service, employee=employee, start=at(10), now=NOW).reasons] == ["truncated"]
    BusySource.objects.filter(pk=row.pk).update(policy="mark")
    assert listed(service) == [(9, False), (10, True), (11, True)]


def test_the_most_careful_of_several_sources_decides(service: Service, employee: Employee) -> None:
    source(employee, "offer", state="lost")
    assert listed(service) == [(9, False), (10, False), (11, False)]
    source(employee, "mark", complete_until=at(10, 30))
    assert listed(service) == [(9, False), (10, True), (11, True)]
    source(employee, "close", complete_until=at(12))
    assert listed(service) == [(9, False), (10, True)]
    source(employee, "close", state="lost")
    assert listed(service) == []
