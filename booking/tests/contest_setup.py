"""Fills a contest's database; prints what the contest needs to know of it as JSON."""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from typing import Any

import django

# Places of the events that contestants register for, two a registration.
CAPACITIES = [1, 5, 20, 41]


def main(rounds: int) -> dict[str, Any]:
    from django.contrib.auth import get_user_model
    from django.test import Client

    from booking.tests.happening import make_event
    from booking.tests.salon import make_employee, make_service, soon

    eve, finn = make_employee("Eve"), make_employee("Finn")
    services = [make_service(eve, finn, name=f"{minutes} minutes", duration=minutes, horizon=700) for minutes in (30, 60, 90)]
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("boss", "boss@example.org"))
    session = client.cookies["session"].value
    team = [make_employee(name) for name in ("Gina", "Hugo", "Ines", "Jan")]
    return {
        "yoga": make_service(make_employee("Kim"), name="Yoga", max_capacity=5, horizon=700).pk,
        "class": make_service(*team[:2], name="Class", max_capacity=5, min_capacity=3, collective=True, horizon=700).pk,
        "anyone": {rule: make_service(*team, name=f"Anyone by {rule}", assignment=rule, horizon=700).pk for rule in ("turn", "fewest", "priority", "random")},
        "limited": make_service(*team, name="Trial", max_per_customer=1, limit_days=7, horizon=700).pk,
        "waiting": waiting_list(12),
        "services": [service.pk for service in services],
        "employee": eve.pk,
        "events": [make_event(finn, soon(20, days=150 + number), slug=f"event-{number}", capacity=capacity).pk for number, capacity in enumerate(CAPACITIES)],
        "doors": [doors(services[0], eve, finn, session, days=200 + number) for number in range(rounds)],
    }


def waiting_list(number: int) -> dict[str, Any]:
    """So many who wait for the only time of a day, which has just become free."""
    from django.utils import timezone

    from booking.actions import appointments, waiting
    from booking.actions.customers import Guest
    from booking.tests.salon import BERLIN, make_employee, make_service, soon

    service, start = make_service(make_employee("Rosa", hours=(10, 11)), duration=60, slot_step=60, waiting_list=True), soon()
    day = start.astimezone(BERLIN).date()

    def guest(place: int) -> Guest:
        return Guest(first_name="Gast", email=f"wartet{place}@example.org")

    taken = appointments.book(service=service, start=start, guest=guest(0), now=timezone.now()).appointment
    places = range(1, number + 1)
    entries = [waiting.enter(service=service, guest=guest(place), first_day=day, last_day=day, now=timezone.now()).pk for place in places]
    appointments.cancel(appointment=taken, now=timezone.now())
    return {"entries": entries, "start": start.isoformat()}


def doors(service: Any, eve: Any, finn: Any, session: str, *, days: int) -> list[dict[str, Any]]:
    """Deeds that all want ten o'clock of Eve's on a day of their own, each through another door."""
    from django.utils import timezone

    from booking.actions import appointments
    from booking.actions.customers import Guest
    from booking.admin.appointment_form import state
    from booking.tests.happening import make_event
    from booking.tests.salon import BERLIN, soon

    def booked(hour: int, employee: Any = eve) -> Any:
        guest = Guest(first_name="Carla", email="carla@example.org")
        return appointments.book(service=service, start=soon(hour, days=days), guest=guest, now=timezone.now(), employee=employee).appointment

    cancelled = booked(10)
    appointments.cancel(appointment=cancelled, now=timezone.now())
    draft = make_event(eve, soon(9, 30, days=days), slug=f"draft-{days}", published=False)
    theirs, moved, dragged, typed = booked(10, finn), booked(13), booked(14), booked(15)
    ten = soon(10, days=days)
    local = ten.astimezone(BERLIN)
    form = {
        "seen": state(typed),
        "employee": eve.pk,
        "start_0": local.strftime("%Y-%m-%d"),
        "start_1": "10:00:00",
        "end_0": local.strftime("%Y-%m-%d"),
        "end_1": "10:45:00",
        "sync_enabled": "on",
    }
    return [
        {"door": "book", "service": service.pk, "employee": eve.pk, "start": ten.isoformat()},
        {"door": "reschedule", "appointment": moved.pk, "start": ten.isoformat()},
        {"door": "move", "appointment": dragged.pk, "start": (ten - timedelta(minutes=20)).isoformat(), "end": (ten + timedelta(minutes=50)).isoformat()},
        {"door": "reassign", "appointment": theirs.pk, "employee": eve.pk},
        {"door": "publish", "event": draft.pk},
        {"door": "reinstate", "appointment": cancelled.pk},
        {"door": "admin", "appointment": typed.pk, "session": session, "typed": form},
    ]


if __name__ == "__main__":
    django.setup()
    print(json.dumps(main(int(sys.argv[1]))))
