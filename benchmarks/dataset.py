"""The data the benchmarks share: a month across a clock change, many employees, much foreign busy time. Same seed, same rows."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from booking.models import Allocation, Busy, BusySource, Calendar, Employee, Service, WorkingHours

BERLIN = ZoneInfo("Europe/Berlin")
DAYS = 30
SEED = 42
BUSY_A_DAY = 8
APPOINTMENTS_A_DAY = 4


@dataclass(frozen=True)
class Dataset:
    """`services` by the number of their employees; the month is [start, end)."""

    services: dict[int, Service]
    employees: list[Employee]
    start: datetime
    end: datetime


def month_across_clock_change(today: date) -> date:
    """The Monday some two weeks before Berlin's next clock change, in the future."""
    day = today + timedelta(days=1 - today.weekday() + 6)
    while midnight(day + timedelta(days=10)).utcoffset() == midnight(day + timedelta(days=20)).utcoffset():
        day += timedelta(days=7)
    return day


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(0), BERLIN)


def fill(*, today: date, now: datetime, sizes: Sequence[int] = (1, 10, 100)) -> Dataset:
    """Write the rows into an empty database: services that the first 1, 10, 100 employees serve."""
    rng = random.Random(SEED)
    first = month_across_clock_change(today)
    calendars = Calendar.objects.bulk_create(Calendar(name=f"Employee {n}", timezone="Europe/Berlin") for n in range(max(sizes)))
    employees = Employee.objects.bulk_create(
        Employee(calendar=calendar, first_name=calendar.name, email=f"employee{n}@example.org", position=n) for n, calendar in enumerate(calendars)
    )
    WorkingHours.objects.bulk_create(
        WorkingHours(calendar=calendar, weekday=weekday, start=start, end=end)
        for calendar in calendars
        for weekday in range(5)
        for start, end in ((time(9), time(12)), (time(13), time(17)))
    )
    sources = BusySource.objects.bulk_create(
        BusySource(calendar=calendar, label="calendar", state=BusySource.State.OK, fetched_at=now, max_age=timedelta(days=400)) for calendar in calendars
    )
    busy: list[Busy] = []
    sold: list[Allocation] = []
    for source in sources:
        for day in (first + timedelta(days=n) for n in range(DAYS)):
            if day.weekday() > 4:
                continue
            for _ in range(BUSY_A_DAY):
                start = midnight(day) + timedelta(minutes=5 * rng.randrange(8 * 12, 17 * 12 + 10))
                end = start + timedelta(minutes=5 * rng.randint(2, 6))
                busy.append(Busy(calendar=source.calendar, source=source, start=start, end=end, key=f"event-{len(busy)}"))
            # An appointment with its buffers, 5 and 10 minutes, stays inside its own hour.
            for hour in rng.sample((9, 10, 11, 13, 14, 15, 16), APPOINTMENTS_A_DAY):
                start = midnight(day) + timedelta(hours=hour, minutes=rng.choice((0, 15)))
                span = {"start": start - timedelta(minutes=5), "end": start + timedelta(minutes=40)}
                sold.append(Allocation(calendar=source.calendar, kind="appointment", holder_id=len(sold) + 1, **span))
    Busy.objects.bulk_create(busy, batch_size=1000)
    Allocation.objects.bulk_create(sold, batch_size=1000)
    services = {}
    for size in sizes:
        service = Service.objects.create(name=f"Served by {size}", duration=30, buffer_before=5, buffer_after=10, slot_step=15, min_notice=60, horizon=400)
        service.employees.set(employees[:size])
        services[size] = service
    return Dataset(services=services, employees=employees, start=midnight(first), end=midnight(first + timedelta(days=DAYS)))
