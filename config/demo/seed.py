"""A small salon: two people, six services, two events, three customers, two meetings. Running it twice changes nothing."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.db import transaction
from django.utils import timezone

from booking.actions import events
from booking.models import Calendar, Category, Customer, Employee, Extra, Location, Service, WorkingHours
from config.demo.ground import EMPLOYEES, PASSWORD
from crm import actions

MORNING, AFTERNOON, SATURDAY = (time(9), time(12)), (time(13), time(18)), (time(10), time(14))
# Account -> what customers read, works on Saturdays.
PEOPLE = {"employee": ("Cuts and colours since 2009.", True), "colleague": ("Beards, short hair, massages.", False)}
# Name, category, minutes, price, buffers before and after, needs approval, who does it, what customers read.
SERVICES: list[tuple[str, str, int, str, int, int, bool, tuple[str, ...], str]] = [
    ("Classic Cut", "Hair", 30, "35.00", 0, 5, False, ("employee", "colleague"), "Wash, cut, style."),
    ("Color & Gloss", "Hair", 90, "95.00", 5, 10, False, ("employee",), "Full colour with gloss finish."),
    ("Balayage", "Hair", 150, "160.00", 10, 15, True, ("employee",), "Hand-painted lights. We confirm each one ourselves."),
    ("Beard Trim", "Hair", 20, "18.00", 0, 5, False, ("colleague",), "Trim and hot towel."),
    ("Massage", "Wellness", 45, "55.00", 5, 10, False, ("employee", "colleague"), "Head, neck and shoulders."),
    ("Make-up class", "Wellness", 90, "25.00", 0, 10, False, ("employee",), "Learn it together; brushes and colours are there."),
]
# Service -> what can be added: name, minutes, price, at most.
EXTRAS: dict[str, list[tuple[str, int, str, int]]] = {"Massage": [("Hot stones", 15, "12.00", 1), ("A cup of tea", 0, "0.00", 2)]}
# Persons: takes place from, places.
GROUPS = {"Make-up class": (2, 6)}
# Name, address, organiser, staff, places, weekday, from, until, how often, what customers read.
EVENTS: list[tuple[str, str, str, tuple[str, ...], int, int, time, time, int, str]] = [
    (
        "Perfume evening",
        "perfume-evening",
        "colleague",
        (),
        12,
        4,
        time(18, 30),
        time(20, 30),
        1,
        "Three scents, a glass of wine, and one bottle to take home.",
    ),
    (
        "Braiding workshop",
        "braiding-workshop",
        "employee",
        ("colleague",),
        6,
        5,
        time(10),
        time(12),
        2,
        "Two Saturdays: plaits for beginners, then for parties.",
    ),
]
CUSTOMERS = [("Clara", "Neumann"), ("Jonas", "Becker"), ("Mia", "Schmidt")]


@transaction.atomic
def salon() -> None:
    """Writes the salon into an empty installation."""
    if User.objects.filter(username="admin").exists():
        return
    admin = User.objects.create_superuser("admin", "admin@example.org", PASSWORD)
    admin.groups.add(Group.objects.get(name="admin"))
    people = {name: _employee(name, *EMPLOYEES[name], *facts) for name, facts in PEOPLE.items()}
    place = Location.objects.create(name="Salon Kalends", address=settings.COMPANY["address"])
    for position, (name, category, minutes, price, before, after, approval, staff, text) in enumerate(SERVICES):
        least, most = GROUPS.get(name, (1, 1))
        service = Service(
            name=name,
            min_capacity=least,
            max_capacity=most,
            waiting_list=True,
            category=Category.objects.get_or_create(name=category)[0],
            description=text,
            duration=minutes,
            price=Decimal(price),
            buffer_before=before,
            buffer_after=after,
            needs_approval=approval,
            position=position,
            # A visitor of the demo wants to move and cancel what was booked a minute ago.
            reschedule_notice=0,
            cancel_notice=0,
        )
        service.save()
        service.employees.set(people[person] for person in staff)
        service.locations.add(place)
        for order, (extra, longer, costs, most) in enumerate(EXTRAS.get(name, [])):
            Extra.objects.create(service=service, name=extra, duration=longer, price=Decimal(costs), max_quantity=most, position=order)
    _meetings(people["employee"])
    for first_name, last_name in CUSTOMERS:
        Customer(first_name=first_name, last_name=last_name, email=f"{first_name.lower()}@example.org").save()
    for event in EVENTS:
        _event(people, place, *event)


def _event(people: dict[str, Employee], place: Location, *facts: Any) -> None:
    """From a week ahead on, once a week."""
    name, slug, organizer, staff, places, weekday, start, end, times, text = facts
    zone, now = ZoneInfo(settings.TIME_ZONE), timezone.now()
    today = now.astimezone(zone).date()
    first = today + timedelta(days=7 + (weekday - today.weekday()) % 7)
    days = [first + timedelta(weeks=week) for week in range(times)]
    spans = [events.Span(datetime.combine(day, start, zone), datetime.combine(day, end, zone)) for day in days]
    values = {"name": name, "slug": slug, "organizer": people[organizer], "location": place, "capacity": places, "description": text}
    event = events.create(fields={**values, "timezone": settings.TIME_ZONE}, staff=[people[one] for one in staff], periods=spans, now=now)
    events.publish(event=event, now=now)


def _meetings(employee: Employee) -> None:
    """What keeps her busy beside her customers: a series, and something that is nobody else's business."""
    zone = ZoneInfo(employee.calendar.timezone)
    today = timezone.now().astimezone(zone).date()
    monday = today + timedelta(days=-today.weekday() % 7)
    teams = datetime.combine(monday, time(9), zone)
    actions.create(
        owner=employee,
        title="Team meeting",
        location="Salon Kalends",
        description="Plan of the week.",
        start=teams,
        end=teams + timedelta(minutes=30),
        timezone=zone.key,
        recurrence=["RRULE:FREQ=WEEKLY"],
    )
    private = datetime.combine(monday + timedelta(days=2), time(13), zone)
    actions.create(owner=employee, title="Dentist", start=private, end=private + timedelta(hours=1), timezone=zone.key, private=True)


def _employee(username: str, first_name: str, last_name: str, description: str, saturdays: bool) -> Employee:
    user = User.objects.create_user(username, f"{username}@example.org", PASSWORD, first_name=first_name, last_name=last_name)
    user.groups.add(Group.objects.get(name="employee"))
    calendar = Calendar.objects.create(name=f"{first_name} {last_name}", timezone=settings.TIME_ZONE)
    periods = [(weekday, period) for weekday in range(5) for period in (MORNING, AFTERNOON)] + ([(5, SATURDAY)] if saturdays else [])
    WorkingHours.objects.bulk_create(WorkingHours(calendar=calendar, weekday=weekday, start=start, end=end) for weekday, (start, end) in periods)
    employee = Employee(user=user, calendar=calendar, first_name=first_name, last_name=last_name, email=user.email, description=description)
    employee.save()
    return employee
