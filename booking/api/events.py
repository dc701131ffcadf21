"""Events, and registering for them by the API."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from booking.actions import registrations
from booking.actions.customers import Guest
from booking.actions.idempotency import Answer
from booking.api.base import KEY, PublicView, carried_out, language, refused
from booking.api.serializers import EventAnswer, Problem, RegistrationAnswer, RegistrationRequest, SoldOutAnswer
from booking.errors import BookingError, SoldOut
from booking.links import registration_url
from booking.models import Event, Registration


class EventsView(PublicView):
    @extend_schema(operation_id="events_list", responses=EventAnswer(many=True))
    def get(self, request: Request) -> Response:
        """All events that take place and are not over, the next first."""
        return Response(EventAnswer(Event.objects.public().upcoming(timezone.now()), many=True).data)


class EventView(PublicView):
    @extend_schema(operation_id="events_detail", responses=EventAnswer)
    def get(self, request: Request, pk: int) -> Response:
        """One event, also one that is over or cancelled."""
        return Response(EventAnswer(get_object_or_404(Event.objects.public(), pk=pk)).data)


class RegistrationsView(PublicView):
    throttle_scope = "book"

    @extend_schema(
        request=RegistrationRequest,
        parameters=[KEY],
        responses={201: RegistrationAnswer, 400: Problem, 404: None, 409: SoldOutAnswer, 422: Problem, 429: Problem},
    )
    def post(self, request: Request, pk: int) -> Response:
        """Registers for an event."""
        event = get_object_or_404(Event.objects.public(), pk=pk)
        wish = RegistrationRequest.read(request.data)
        try:
            code, kept = carried_out(request, lambda: register(event, wish))
        except SoldOut as error:
            return refused(error, places_left=error.left)
        except BookingError as error:
            return refused(error)
        return Response(told(kept), status=code)


def register(event: Event, wish: dict[str, Any]) -> Answer:
    """Carries it out; the answer is kept without the manage link, which must not lie in a table."""
    guest = Guest(**wish["customer"], language=language(), timezone=event.timezone)
    made = registrations.register(event=event, guest=guest, places=wish["places"], notes=wish["notes"], now=timezone.now(), public=True)
    kept = {"id": str(made.uuid), "status": str(made.status), "event": event.pk, "places": made.places, "link_version": made.link_version}
    return status.HTTP_201_CREATED, kept


def told(kept: dict[str, Any]) -> dict[str, Any]:
    """With the link as it was then. One that has died since stays dead."""
    link = registration_url(Registration(uuid=UUID(kept["id"]), link_version=kept["link_version"]))
    return {name: kept[name] for name in ("id", "status", "event", "places")} | {"manage_url": link}
