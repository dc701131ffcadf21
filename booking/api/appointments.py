"""Booking by the API."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from booking.actions import appointments
from booking.actions.customers import Guest
from booking.actions.idempotency import Answer
from booking.api.base import KEY, PublicView, carried_out, language, refused
from booking.api.serializers import AppointmentAnswer, AppointmentRequest, Problem, SlotTakenAnswer
from booking.api.slots import slot_json
from booking.errors import BookingError, SlotTaken
from booking.links import manage_url
from booking.models import Attendance


class AppointmentsView(PublicView):
    throttle_scope = "book"

    @extend_schema(
        request=AppointmentRequest,
        parameters=[KEY],
        responses={201: AppointmentAnswer, 409: SlotTakenAnswer, 422: Problem, 429: Problem},
    )
    def post(self, request: Request) -> Response:
        """Books a time that is offered."""
        wish = AppointmentRequest.read(request.data)
        zone = wish.get("timezone") or ZoneInfo(settings.TIME_ZONE)
        try:
            code, kept = carried_out(request, lambda: book(wish, zone))
        except SlotTaken as error:
            return refused(error, slots=[slot_json(slot, zone) for slot in error.slots])
        except BookingError as error:
            return refused(error)
        return Response(told(kept, zone), status=code)


def book(wish: dict[str, Any], zone: ZoneInfo) -> Answer:
    """Carries it out; the answer is kept in UTC and without the manage link, which must not lie in a table."""
    guest = Guest(**wish["customer"], language=language(), timezone=zone.key)
    attendance = appointments.book(
        service=wish["service"],
        start=wish["start"],
        guest=guest,
        now=timezone.now(),
        employee=wish["employee"],
        notes=wish["notes"],
        chosen=wish["extras"],
        given=wish["answers"],
        public=True,
        savepoint=False,
        location=wish["location"],
        persons=wish["persons"],
    )
    appointment = attendance.appointment
    known = wish["employee"].pk if wish["employee"] and not wish["service"].collective else None
    employee = known or appointment.staffings.order_by("pk").values_list("employee_id", flat=True)[0]
    return status.HTTP_201_CREATED, {
        "id": str(attendance.uuid),
        "status": str(attendance.status),
        "start": appointment.start.astimezone(UTC).isoformat(),
        "end": appointment.end.astimezone(UTC).isoformat(),
        "employee": employee,
        "location": appointment.location_id,
        "price": str(attendance.price),
        "persons": attendance.persons,
        "link_version": attendance.link_version,
    }


def told(kept: dict[str, Any], zone: ZoneInfo) -> dict[str, Any]:
    """The kept answer as it is given: in the zone, with the link as it was then. One that has died since stays dead."""
    link = manage_url(Attendance(uuid=UUID(kept["id"]), link_version=kept["link_version"]))
    times = {name: datetime.fromisoformat(kept[name]).astimezone(zone).isoformat() for name in ("start", "end")}
    facts = {"employee": kept["employee"], "location": kept.get("location"), "persons": kept.get("persons", 1), "price": kept["price"]}
    return {"id": kept["id"], "status": kept["status"], **times, **facts, "manage_url": link}
