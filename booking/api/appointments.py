"""Booking by the API."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from booking.actions import appointments
from booking.actions.customers import Guest
from booking.actions.idempotency import Answer, Mismatch, digest, once
from booking.api.base import PublicView
from booking.api.serializers import AppointmentAnswer, AppointmentRequest, Problem, SlotTakenAnswer
from booking.api.slots import slot_json
from booking.errors import BookingError, SlotTaken, TooMany
from booking.links import manage_url
from booking.models import Attendance

LONGEST_KEY = 255
STATUS = {
    SlotTaken: status.HTTP_409_CONFLICT,
    TooMany: status.HTTP_429_TOO_MANY_REQUESTS,
    Mismatch: status.HTTP_422_UNPROCESSABLE_ENTITY,
}


class AppointmentsView(PublicView):
    throttle_scope = "book"

    @extend_schema(
        request=AppointmentRequest,
        parameters=[OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER, description="A request repeated with the same key is carried out once.")],
        responses={201: AppointmentAnswer, 409: SlotTakenAnswer, 422: Problem, 429: Problem},
    )
    def post(self, request: Request) -> Response:
        """Books a time that is offered."""
        key = request.headers.get("Idempotency-Key", "")
        if len(key) > LONGEST_KEY:
            raise ValidationError({"Idempotency-Key": [_("The key is too long.")]})
        form = AppointmentRequest(data=request.data)
        form.is_valid(raise_exception=True)
        wish = form.validated_data
        zone = wish.get("timezone") or ZoneInfo(settings.TIME_ZONE)
        try:
            if key:
                code, kept = once(key=digest(request.path, key), request_hash=digest(request.data), do=lambda: book(wish, zone))
            else:
                code, kept = book(wish, zone)
        except BookingError as error:
            return Response(problem(error, zone), status=STATUS.get(type(error), status.HTTP_400_BAD_REQUEST))
        return Response(told(kept, zone), status=code)


def book(wish: dict[str, Any], zone: ZoneInfo) -> Answer:
    """Carries it out; the answer is kept in UTC and without the manage link, which must not lie in a table."""
    guest = Guest(**wish["customer"], language=language(), timezone=zone.key)
    attendance = appointments.book(
        service=wish["service"], start=wish["start"], guest=guest, now=timezone.now(), employee=wish["employee"], notes=wish["notes"], public=True
    )
    appointment = attendance.appointment
    employee = wish["employee"].pk if wish["employee"] else appointment.staffings.values_list("employee_id", flat=True).get()
    return status.HTTP_201_CREATED, {
        "id": str(attendance.uuid),
        "status": str(attendance.status),
        "start": appointment.start.astimezone(UTC).isoformat(),
        "end": appointment.end.astimezone(UTC).isoformat(),
        "employee": employee,
        "link_version": attendance.link_version,
    }


def told(kept: dict[str, Any], zone: ZoneInfo) -> dict[str, Any]:
    """The kept answer as it is given: in the zone, with the link as it was then. One that has died since stays dead."""
    link = manage_url(Attendance(uuid=UUID(kept["id"]), link_version=kept["link_version"]))
    times = {name: datetime.fromisoformat(kept[name]).astimezone(zone).isoformat() for name in ("start", "end")}
    return {"id": kept["id"], "status": kept["status"], **times, "employee": kept["employee"], "manage_url": link}


def problem(error: BookingError, zone: ZoneInfo) -> dict[str, Any]:
    told = {"code": error.code, "detail": str(error)}
    return {**told, "slots": [slot_json(slot, zone) for slot in error.slots]} if isinstance(error, SlotTaken) else told


def language() -> str:
    """The request's language, if it is one we write mails in."""
    wanted = (get_language() or "").split("-")[0]
    return wanted if wanted in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE
