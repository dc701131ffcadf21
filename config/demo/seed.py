"""A small salon: two people, five services, three customers. Running it twice changes nothing."""

from __future__ import annotations

from datetime import time
from decimal import Decimal

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.db import transaction

from booking.models import Calendar, Category, Customer, Employee, Location, Service, WorkingHours
from config.demo.ground import PASSWORD

MORNING, AFTERNOON, SATURDAY = (time(9), time(12)), (time(13), time(18)), (time(10), time(14))
# Account -> first name, last name, what customers read, works on Saturdays.
PEOPLE = {
    "employee": ("Emma", "Weber", "Cuts and colours since 2009.", True),
    "colleague": ("Carl", "Vogel", "Beards, short hair, massages.", False),
}
# Name, category, minutes, price, buffers before and after, needs approval, who does it, what customers read.
SERVICES: list[tuple[str, str, int, str, int, int, bool, tuple[str, ...], str]] = [
    ("Classic Cut", "Hair", 30, "35.00", 0, 5, False, ("employee", "colleague"), "Wash, cut, style."),
    ("Color & Gloss", "Hair", 90, "95.00", 5, 10, False, ("employee",), "Full colour with gloss finish."),
    ("Balayage", "Hair", 150, "160.00", 10, 15, True, ("employee",), "Hand-painted lights. We confirm each one ourselves."),
    ("Beard Trim", "Hair", 20, "18.00", 0, 5, False, ("colleague",), "Trim and hot towel."),
    ("Massage", "Wellness", 45, "55.00", 5, 10, False, ("employee", "colleague"), "Head, neck and shoulders."),
]
CUSTOMERS = [("Clara", "Neumann"), ("Jonas", "Becker"), ("Mia", "Schmidt")]


@transaction.atomic
def salon() -> None:
    """Writes the salon into an empty installation."""
    if User.objects.filter(username="admin").exists():
        return
    admin = User.objects.create_superuser("admin", "admin@example.org", PASSWORD)
    admin.groups.add(Group.objects.get(name="admin"))
    people = {name: _employee(name, *facts) for name, facts in PEOPLE.items()}
    place = Location.objects.create(name="Salon Kalends", address=settings.COMPANY["address"])
    for position, (name, category, minutes, price, before, after, approval, staff, text) in enumerate(SERVICES):
        service = Service(
            name=name,
            category=Category.objects.get_or_create(name=category)[0],
            location=place,
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
    for first_name, last_name in CUSTOMERS:
        Customer(first_name=first_name, last_name=last_name, email=f"{first_name.lower()}@example.org").save()


def _employee(username: str, first_name: str, last_name: str, description: str, saturdays: bool) -> Employee:
    user = User.objects.create_user(username, f"{username}@example.org", PASSWORD, first_name=first_name, last_name=last_name)
    user.groups.add(Group.objects.get(name="employee"))
    calendar = Calendar.objects.create(name=f"{first_name} {last_name}", timezone=settings.TIME_ZONE)
    periods = [(weekday, period) for weekday in range(5) for period in (MORNING, AFTERNOON)] + ([(5, SATURDAY)] if saturdays else [])
    WorkingHours.objects.bulk_create(WorkingHours(calendar=calendar, weekday=weekday, start=start, end=end) for weekday, (start, end) in periods)
    employee = Employee(user=user, calendar=calendar, first_name=first_name, last_name=last_name, email=user.email, description=description)
    employee.save()
    return employee
