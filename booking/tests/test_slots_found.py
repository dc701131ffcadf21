"""What find_slots offers: rules, notice and horizon, what is sold, and whom it may ask."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from booking.availability import find_slots, is_bookable, next_slot
from booking.models import Allocation, Calendar, Employee, Service, SpecialDay, TimeOff, WorkingHours

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 6, 1, 6, tzinfo=UTC)  # a Monday, 08:00 in Berlin

pytestmark = pytest.mark.django_db


def berlin(day: int, hour: int, minute: int = 0, month: int = 6) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=BERLIN)


def hire(service: Service, name: str = "Ada", position: int = 0) -> Employee:
    calendar = Calendar.objects.create(name=name, timezone="Europe/Berlin")
    for weekday in range(5):
        WorkingHours.objects.create(calendar=calendar, weekday=weekday, start=time(9), end=time(12))
    employee = Employee.objects.create(calendar=calendar, first_name=name, email=f"{name.lower()}@example.org", position=position)
    service.employees.add(employee)
    return employee


@pytest.fixture
def service() -> Service:
    return Service.objects.create(name="Cut", duration=60, slot_step=30, min_notice=0, horizon=30)


def starts(service: Service, day: date, **options: object) -> list[str]:
    begin = datetime.combine(day, time(0), BERLIN)
    slots = find_slots(service=service, start=begin, end=begin + timedelta(days=1), now=NOW, **options)  # type: ignore[arg-type]
    return [f"{slot.start.astimezone(BERLIN):%H:%M}" for slot in slots]


TUESDAY = date(2026, 6, 2)


def test_it_lists_the_starts_that_fit_the_working_hours(service: Service) -> None:
    hire(service)
    assert starts(service, TUESDAY) == ["09:00", "09:30", "10:00", "10:30", "11:00"]


def test_it_leaves_out_what_is_sold_and_keeps_what_touches_it(service: Service) -> None:
    ada = hire(service)
    Allocation.objects.create(calendar=ada.calendar, start=berlin(2, 10), end=berlin(2, 10, 30), kind="appointment", holder_id=1)
    assert starts(service, TUESDAY) == ["09:00", "10:30", "11:00"]
    assert starts(service, TUESDAY, ignore=("appointment", 1)) == ["09:00", "09:30", "10:00", "10:30", "11:00"]
    assert starts(service, TUESDAY, ignore=("event", 1)) == ["09:00", "10:30", "11:00"]


def test_it_keeps_the_buffers_clear_of_what_is_sold(service: Service) -> None:
    ada = hire(service)
    service.buffer_before, service.buffer_after = 10, 20
    Allocation.objects.create(calendar=ada.calendar, start=berlin(2, 10, 20), end=berlin(2, 10, 50), kind="appointment", holder_id=1)
    # 09:00 needs the time until 10:20 and touches; 11:00 needs it from 10:50 on and touches; its buffer after noon is nobody's business.
    assert starts(service, TUESDAY) == ["09:00", "11:00"]


def test_it_gives_the_notice_and_ends_at_the_horizon(service: Service) -> None:
    hire(service)
    service.min_notice, service.horizon = 25 * 60, 8
    assert starts(service, TUESDAY) == ["09:00", "09:30", "10:00", "10:30", "11:00"]
    service.min_notice = 25 * 60 + 1
    assert starts(service, TUESDAY) == ["09:30", "10:00", "10:30", "11:00"]
    # Now is 08:00, so eight days end at 08:00.
    assert starts(service, date(2026, 6, 9)) == []
    assert starts(service, date(2026, 6, 8)) == ["09:00", "09:30", "10:00", "10:30", "11:00"]


def test_a_special_day_replaces_the_weekday_and_days_off_beat_both(service: Service) -> None:
    ada = hire(service)
    SpecialDay.objects.create(calendar=ada.calendar, day=TUESDAY, start=time(22), end=time(0))
    assert starts(service, TUESDAY) == ["22:00", "22:30", "23:00"]
    TimeOff.objects.create(calendar=ada.calendar, first_day=TUESDAY, last_day=TUESDAY)
    assert starts(service, TUESDAY) == []


def test_a_yearly_day_off_comes_back(service: Service) -> None:
    ada = hire(service)
    TimeOff.objects.create(calendar=ada.calendar, first_day=date(2020, 6, 1), last_day=date(2020, 6, 2), yearly=True)
    TimeOff.objects.create(calendar=ada.calendar, first_day=date(2020, 6, 3), last_day=date(2020, 6, 3))
    assert starts(service, TUESDAY) == []
    assert starts(service, date(2026, 6, 3)) != []


def test_it_lists_each_start_once_per_free_employee_in_their_order(service: Service) -> None:
    later, first = hire(service, "Zoe", position=1), hire(service, "Yan", position=0)
    Allocation.objects.create(calendar=first.calendar, start=berlin(2, 9), end=berlin(2, 10), kind="appointment", holder_id=1)
    found = find_slots(service=service, start=berlin(2, 9), end=berlin(2, 10, 30), now=NOW)
    assert [(slot.start, slot.employee_id) for slot in found] == [
        (berlin(2, 9), later.pk),
        (berlin(2, 9, 30), later.pk),
        (berlin(2, 10), first.pk),
        (berlin(2, 10), later.pk),
    ]


def test_it_asks_only_active_employees_who_serve_it(service: Service) -> None:
    ada, bob = hire(service), hire(service, "Bob")
    stranger = hire(Service.objects.create(name="Other"), "Eve")
    Employee.objects.filter(pk=bob.pk).update(is_active=False)
    found = find_slots(service=service, start=berlin(2, 0), end=berlin(3, 0), now=NOW, employees=[ada, bob, stranger])
    assert {slot.employee_id for slot in found} == {ada.pk}
    service.is_active = False
    assert starts(service, TUESDAY) == []


def test_a_duration_of_its_own_replaces_the_services(service: Service) -> None:
    hire(service)
    assert starts(service, TUESDAY, duration=timedelta(hours=2, minutes=30)) == ["09:00", "09:30"]


def test_the_next_slot_is_the_first_of_the_list_even_far_away(service: Service) -> None:
    ada = hire(service)
    Allocation.objects.create(calendar=ada.calendar, start=NOW, end=berlin(24, 10), kind="appointment", holder_id=1)
    slot = next_slot(service=service, now=NOW)
    assert slot is not None
    assert (slot.start, slot.employee_id) == (berlin(24, 10), ada.pk)
    service.horizon = 23
    assert next_slot(service=service, now=NOW) is None


def test_only_listed_instants_are_bookable(service: Service) -> None:
    ada = hire(service)
    slot = is_bookable(service=service, employee=ada, start=berlin(2, 9, 30), now=NOW)
    assert slot is not None
    assert (slot.start, slot.end, slot.unsure) == (berlin(2, 9, 30), berlin(2, 10, 30), False)
    for start in (berlin(2, 9, 31), berlin(2, 9, 30) + timedelta(microseconds=1), berlin(2, 11, 30), berlin(6, 9)):
        assert is_bookable(service=service, employee=ada, start=start, now=NOW) is None


def test_it_refuses_times_without_a_zone(service: Service) -> None:
    hire(service)
    with pytest.raises(ValueError, match="aware"):
        find_slots(service=service, start=datetime(2026, 6, 2), end=berlin(3, 0), now=NOW)  # noqa: DTZ001
