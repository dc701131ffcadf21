"""What a webhook tells: the booking as it is when it is told, without any link or internal note."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.conf import settings

from booking.models import Attendance, Customer, Employee, Location, Message, Registration, WaitingEntry


def payload(message: Message, now: datetime) -> dict[str, Any]:
    """`type` is what happened, such as "booking.rescheduled"; receivers go by `data`, which is the present state."""
    about = message.about
    match about:
        case Attendance():
            what, data = "booking", _booking(about)
        case WaitingEntry():
            what, data = "waiting", _waiting(about)
        case _:
            what, data = "registration", _registration(about)
    previous = {name: message.context[f"previous_{name}"] for name in ("start", "end") if f"previous_{name}" in message.context}
    return {"type": f"{what}.{message.kind}", "timestamp": _moment(now), "data": data | ({"previous": previous} if previous else {})}


def _booking(attendance: Attendance) -> dict[str, Any]:
    appointment = attendance.appointment
    return {
        "id": str(attendance.uuid),
        "appointment": str(appointment.uuid),
        "status": str(attendance.status),
        "service": {"id": appointment.service.pk, "name": appointment.service.name},
        "start": _moment(appointment.start),
        "end": _moment(appointment.end),
        "employees": [_employee(one.employee) for one in appointment.staffings.select_related("employee").order_by("pk")],
        "location": _location(appointment.location),
        "persons": attendance.persons,
        "extras": [{"name": one.name, "quantity": one.quantity} for one in attendance.extras.all()],
        "answers": [{"label": one.label, "value": one.value} for one in attendance.answers.all()],
        "price": str(attendance.price),
        "currency": settings.CURRENCY,
        "notes": attendance.notes,
        "language": attendance.language,
        "timezone": attendance.timezone,
        "customer": _customer(attendance.customer),
    }


def _registration(registration: Registration) -> dict[str, Any]:
    event = registration.event
    return {
        "id": str(registration.uuid),
        "status": str(registration.status),
        "places": registration.places,
        "event": {
            "id": event.pk,
            "name": event.name,
            "status": str(event.status),
            "timezone": event.timezone,
            "periods": [{"start": _moment(one.start), "end": _moment(one.end), "cancelled": one.is_cancelled} for one in event.periods.all()],
        },
        "employees": [_employee(one) for one in event.helpers],
        "location": _location(event.location),
        "notes": registration.notes,
        "language": registration.language,
        "customer": _customer(registration.customer),
    }


def _waiting(entry: WaitingEntry) -> dict[str, Any]:
    return {
        "id": str(entry.uuid),
        "status": str(entry.state),
        "service": {"id": entry.service.pk, "name": entry.service.name},
        "employee": _employee(entry.employee) if entry.employee else None,
        "first_day": entry.first_day.isoformat(),
        "last_day": entry.last_day.isoformat(),
        "persons": entry.persons,
        "language": entry.language,
        "timezone": entry.timezone,
        "customer": _customer(entry.customer),
    }


def _customer(customer: Customer) -> dict[str, str]:
    return {name: getattr(customer, name) for name in ("first_name", "last_name", "email", "phone")}


def _employee(employee: Employee) -> dict[str, Any]:
    return {"id": employee.pk, "name": employee.full_name, "email": employee.email}


def _location(location: Location | None) -> dict[str, Any] | None:
    return {"id": location.pk, "name": location.name, "address": location.address} if location else None


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
