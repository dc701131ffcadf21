"""When it can be booked. A month of a hundred employees is ten thousand slots: their JSON is put together by hand."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from booking.actions.extras import added
from booking.api.base import PublicView, filled
from booking.api.serializers import NextAnswer, NextQuery, SlotsAnswer, SlotsQuery
from booking.availability import Found, Slot, Wanted, find_spans, next_slot


class SlotsView(PublicView):
    throttle_scope = "slots"

    @extend_schema(parameters=[SlotsQuery], responses=SlotsAnswer)
    def get(self, request: Request) -> HttpResponse:
        """The free slots of whole days in a time zone; without an employee one entry per start and free employee."""
        wish = SlotsQuery.read(filled(request))
        zone = wish["timezone"]
        spans = find_spans(
            service=wish["service"],
            start=datetime.combine(wish["from"], time.min, zone),
            end=datetime.combine(wish["to"] + timedelta(days=1), time.min, zone),
            now=timezone.now(),
            employees=[wish["employee"]] if wish["employee"] else None,
            location=wish["location"],
            added=added(wish["extras"]),
            persons=wish["persons"],
        )
        return HttpResponse(b'{"slots":[' + spans_json(spans, zone) + b"]}", content_type="application/json")


class NextSlotView(PublicView):
    throttle_scope = "slots"

    @extend_schema(parameters=[NextQuery], responses=NextAnswer)
    def get(self, request: Request) -> Response:
        """The first free slot up to the service's horizon, or null."""
        wish = NextQuery.read(filled(request))
        wanted: Wanted = {"location": wish["location"], "added": added(wish["extras"]), "persons": wish["persons"]}
        wanted["employees"] = [wish["employee"]] if wish["employee"] else None
        slot = next_slot(service=wish["service"], now=timezone.now(), **wanted)
        return Response({"slot": slot and slot_json(slot, wish["timezone"])})


def slot_json(slot: Slot, zone: ZoneInfo) -> dict[str, Any]:
    """One slot with its instants as ISO 8601 in the zone."""
    entry: dict[str, Any] = {
        "start": slot.start.astimezone(zone).isoformat(),
        "end": slot.end.astimezone(zone).isoformat(),
        "employee": slot.employee_id,
    }
    if slot.location_id is not None:
        entry["location"] = slot.location_id
    if slot.places_left is not None:
        entry["places_left"] = slot.places_left
    return {**entry, "unsure": True} if slot.unsure else entry


def spans_json(spans: Iterable[Found], zone: ZoneInfo) -> bytes:
    """The same with seconds since the epoch: each time is written once, however many share it."""
    heads: dict[tuple[int, int], str] = {}
    tails: dict[tuple[bool, int | None, int | None], str] = {}
    parts = []
    for start, end, employee, unsure, location, left, _appointment in spans:
        if (head := heads.get((start, end))) is None:
            begin, until = (datetime.fromtimestamp(instant, zone).isoformat() for instant in (start, end))
            head = heads[start, end] = f'{{"start":"{begin}","end":"{until}","employee":'
        if (tail := tails.get(key := (unsure, location, left))) is None:
            place = "" if location is None else f',"location":{location}'
            places = "" if left is None else f',"places_left":{left}'
            tail = tails[key] = f"{place}{places}" + (',"unsure":true}' if unsure else "}")
        parts.append(f"{head}{employee}{tail}")
    return ",".join(parts).encode()
