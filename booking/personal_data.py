"""What is stored about a person, to be handed over to them: nothing of others, nothing that is the staff's own (internal notes)."""

from __future__ import annotations

from typing import Any

from booking.models import Attendance, Customer, Message, Registration
from booking.models.people import CustomerQuerySet


def of(customers: CustomerQuerySet) -> dict[str, Any]:
    """Ready to be written as JSON; times are ISO 8601 with offset. Five queries, however much there is."""
    return {
        "customers": [_customer(one) for one in customers],
        "appointments": [_attendance(one) for one in _attendances(customers)],
        "events": [_registration(one) for one in _registrations(customers)],
        "messages": [_message(one) for one in _messages(customers)],
    }


def _attendances(customers: CustomerQuerySet) -> list[Attendance]:
    found = Attendance.objects.filter(customer__in=customers).select_related("appointment__service", "appointment__location")
    return list(found.prefetch_related("appointment__employees").order_by("appointment__start", "pk"))


def _registrations(customers: CustomerQuerySet) -> list[Registration]:
    return list(Registration.objects.filter(customer__in=customers).select_related("event").prefetch_related("event__periods").order_by("pk"))


def _messages(customers: CustomerQuerySet) -> list[Message]:
    addresses = {one.email.lower() for one in customers}
    own = Message.objects.filter(audience=Message.Audience.CUSTOMER, attendance__customer__in=customers) | Message.objects.filter(
        audience=Message.Audience.CUSTOMER, registration__customer__in=customers
    )
    return [one for one in own.order_by("pk") if one.recipient.lower() in addresses]


def _customer(one: Customer) -> dict[str, Any]:
    return {"first_name": one.first_name, "last_name": one.last_name, "email": one.email, "phone": one.phone, "known_since": one.created_at.isoformat()}


def _attendance(one: Attendance) -> dict[str, Any]:
    appointment = one.appointment
    return {
        "id": str(one.uuid),
        "service": appointment.service.name,
        "start": appointment.start.isoformat(),
        "end": appointment.end.isoformat(),
        "with": [employee.full_name for employee in appointment.employees.all()],
        "location": appointment.location.name if appointment.location else "",
        "status": str(one.status),
        "price": str(one.price),
        "notes": one.notes,
        "language": one.language,
        "timezone": one.timezone,
        "booked_at": one.created_at.isoformat(),
    }


def _registration(one: Registration) -> dict[str, Any]:
    return {
        "id": str(one.uuid),
        "event": one.event.name,
        "times": [{"start": period.start.isoformat(), "end": period.end.isoformat()} for period in one.event.live_periods],
        "places": one.places,
        "status": str(one.status),
        "notes": one.notes,
        "language": one.language,
        "registered_at": one.created_at.isoformat(),
    }


def _message(one: Message) -> dict[str, Any]:
    return {"kind": str(one.kind), "to": one.recipient, "state": str(one.state), "sent_at": one.sent_at.isoformat() if one.sent_at else None}
