"""Forgets what calendars said of people whose data is erased."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from booking.models import Attendance, Registration
from integrations.local import appointments
from integrations.models import FieldChange, Pair
from integrations.rules import resolve

# The groups that may name a person.
BLANK = {"title": "", "description": "", "attendees": []}


def forget(attendances: Sequence[Attendance], registrations: Sequence[Registration], now: datetime) -> None:
    """The history keeps that something travelled, not what it said. Texts typed over ours go, and those agreed on, so that the next push writes anew
    what is still followed. What is too old for that is let go, or a look for it would bring the name back. An event's entry names nobody who comes."""
    ends = {one.appointment_id: one.appointment.end for one in attendances}
    FieldChange.objects.filter(item_kind=appointments.KIND, item_id__in=ends, field__in=BLANK).update(old=None, new=None)
    for pair in Pair.objects.select_for_update(of=("self",)).select_related("link").filter(kind=appointments.KIND, item_id__in=ends):
        for said in (pair.base, pair.seen, pair.theirs):
            said.update({name: value for name, value in BLANK.items() if name in said})
        pair.base.pop("sent", None)
        pair.kept, pair.responses = {}, {}
        if ends[pair.item_id] < now - timedelta(days=resolve(pair.link, appointments.KIND).past_days) and pair.state == Pair.State.LIVE:
            pair.let_go()
        pair.save()
