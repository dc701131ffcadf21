"""Appointments as calendar items, and what a calendar says back onto appointments. Writes only through the shop's actions."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection
from django.db.models import Model
from django.utils.translation import gettext_lazy as _

from booking.actions import appointments as actions
from booking.models import Allocation, Appointment, Employee, Status
from booking.models.appointment import LIVE
from booking.notifications.placeholders.known import Where
from integrations.decide import Part
from integrations.items import Event, Person, with_snapshot
from integrations.local import sharing
from integrations.local.projection import Projection
from integrations.local.texts import field_back, tidy
from integrations.models import Link, Pair
from integrations.rules import Resolved

__all__ = ["field_back"]  # a kind says how its texts go back

KIND = "appointment"
LABEL = _("Appointments")
SERIES = False  # a series there is one appointment and foreign time
IMPORTS = False  # what is sold is booked, never found in a calendar
WHERE: Where = "calendar"  # the placeholders of its texts
RULED = ("title", "description", "direction", "priority", "on_remote_delete", "pending", "attendees", "buffers", "busy", "private", "max_events", "past_days")
LINKS = """
SELECT l.id FROM integrations_link l JOIN booking_employee e ON e.calendar_id = l.calendar_id JOIN booking_staffing s ON s.employee_id = e.id
WHERE s.appointment_id = %s AND l.writes
UNION SELECT link_id FROM integrations_pair WHERE kind = %s AND item_id = %s AND state NOT IN (%s, %s)
"""


def load(item_id: int) -> Appointment | None:
    return Appointment.objects.select_related("service__category", "location").filter(pk=item_id).first()


def concerned(item: Model) -> list[int]:
    """The appointments that may look different after a change of this."""
    return [item.pk] if isinstance(item, Appointment) else []


def staff(item_id: int) -> list[Employee]:
    """Those who serve it, the organiser first."""
    return list(Employee.objects.filter(staffings__appointment=item_id).order_by("staffings"))


def calendars(item_id: int) -> list[int]:
    """The calendars of those who serve it, the organiser's first."""
    return [one.calendar_id for one in staff(item_id)]


def links(item_id: int) -> list[int]:
    """Ids of the links where it is or should be: those its employees' calendars write to, and those that have it already."""
    with connection.cursor() as cursor:  # by hand, because every booking waits for it
        cursor.execute(LINKS, [item_id, KIND, item_id, Pair.State.CLOSED, Pair.State.UNLINKED])
        return [pk for (pk,) in cursor.fetchall()]


def upcoming(link: Link, now: datetime) -> list[int]:
    """Ids of the live appointments of the link's calendar that are not over."""
    return list(Appointment.objects.filter(employees__calendar=link.calendar_id, status__in=LIVE, end__gt=now).values_list("pk", flat=True))


def occupies(link: Link, item_id: int) -> bool:
    """Whether the link's calendar holds its time already."""
    return Allocation.objects.filter(calendar=link.calendar_id, kind=KIND, holder_id=item_id).exists()


def is_of(link: Link, item_id: int, uid: str) -> bool:
    """Whether an event with that UID ("": not known) is the item's, and the item one of the link's calendar."""
    item = load(item_id)
    return item is not None and uid in ("", item.uid) and link.calendar_id in calendars(item_id)


def has_known(item_id: int, uid: str) -> bool:
    """Whether that is the UID ("": not known) of the item, be it erased by now."""
    return any(uid in ("", one.instance.uid) for one in Appointment.history.filter(id=item_id).order_by("-history_date")[:1])


def project(appointment: Appointment | None, link: Link, rule: Resolved, pair: Pair | None, now: datetime, *, hides_attendees: bool) -> Projection:
    """What the link's calendar should show of it."""
    if appointment is None:
        return Projection()
    if not appointment.sync_enabled or appointment.end < now - timedelta(days=rule.past_days):
        return Projection(leave=True)

    def shown(rule: Resolved) -> bool:
        return appointment.status == Status.APPROVED or (appointment.status == Status.PENDING and rule.pending)

    people = staff(appointment.pk)
    if not shown(rule) or link.calendar_id not in [one.calendar_id for one in people]:
        return Projection()
    part = sharing.part_of(KIND, appointment.pk, link, pair, people, now, shown=shown)
    return sharing.projection(KIND, appointment.pk, link, pair, part, lambda: _event(appointment, link, rule, pair, hides_attendees, part, people))


def _event(appointment: Appointment, link: Link, rule: Resolved, pair: Pair | None, hides_attendees: bool, part: Part, people: Sequence[Employee]) -> Event:
    from booking.notifications.placeholders import fill, values_for_calendar

    employee = next(one for one in people if one.calendar_id == link.calendar_id)
    start, end = appointment.occupied if rule.buffers else (appointment.start, appointment.end)
    guests = [one.customer for one in appointment.attendances.select_related("customer").filter(status__in=LIVE)] if rule.attendees else []
    invited = {one.email.lower(): Person(email=one.email, name=one.full_name) for one in reversed(guests)}  # an address has one entry, however often it booked
    attendees = sharing.attendees(part, people, link, list(invited.values())[::-1], hides_attendees=hides_attendees)
    values = values_for_calendar(appointment, employee.language, discreet={one.email for one in guests} & {one.email for one in attendees} != set())
    pending = appointment.status == Status.PENDING
    event = Event(
        start=start,
        end=end,
        uid=appointment.uid,
        title=" ".join(fill(rule.title, values).split()) or str(appointment.service),
        description=tidy(fill(rule.description, values)),
        location=(appointment.location.address or appointment.location.name) if appointment.location else "",
        timezone=link.calendar.timezone,
        show_as="tentative" if pending else "busy",
        status="tentative" if pending else "confirmed",
        attendees=attendees,
        organizer=Person(email=employee.email, name=employee.full_name, role="chair") if attendees else None,
    )
    return with_snapshot(event, pair.kept) if pair is not None and pair.kept else event


def release(appointment: Appointment, link: Link, addresses: Collection[str], now: datetime) -> bool:
    """Those invited under these addresses no longer serve it; the organiser always does. False when nobody left."""
    people = staff(appointment.pk)
    stay = sharing.staying(people, addresses)
    if len(stay) < len(people):
        actions.set_staff(appointment=appointment, employees=stay, now=now, origin=link, reason=f"calendar: {link}")
    return len(stay) < len(people)


def own_times(appointment: Appointment) -> dict[str, str]:
    """The appointment's own start and end as JSON, for the history and for revert."""
    return {"start": appointment.start.astimezone(UTC).isoformat(), "end": appointment.end.astimezone(UTC).isoformat()}


def read_when(appointment: Appointment, when: dict[str, Any], rule: Resolved, link: Link) -> tuple[datetime, datetime]:
    """Start and end of the appointment for what stands in the calendar: the inverse of `project`."""
    if when["all_day"]:
        zone = ZoneInfo(link.calendar.timezone)
        return tuple(datetime.combine(date.fromisoformat(when[name]), time(), zone).astimezone(UTC) for name in ("start", "end"))  # type: ignore[return-value]
    start, end = datetime.fromisoformat(when["start"]), datetime.fromisoformat(when["end"])
    if rule.buffers:
        inner = start + timedelta(minutes=appointment.buffer_before), end - timedelta(minutes=appointment.buffer_after)
        if inner[0] < inner[1]:  # an event shorter than its buffers is taken as it stands
            return inner
    return start, end


def apply(appointment: Appointment, pair: Pair, values: dict[str, Any], rule: Resolved, now: datetime) -> None:
    """Takes over groups from the calendar: the time onto the appointment, texts onto the pair. SlotTaken if another appointment is there."""
    if "when" in values:
        start, end = read_when(appointment, values["when"], rule, pair.link)
        actions.move(
            appointment=appointment,
            start=start,
            end=end,
            now=now,
            origin=pair.link,
            reason=f"calendar: {pair.link}",
            quiet=timedelta(seconds=settings.QUIET_SECONDS),
        )
    pair.kept |= {group: value for group, value in values.items() if group not in ("when", "attendees")}


def set_times(appointment: Appointment, times: dict[str, str], now: datetime, *, reason: str) -> None:
    """Back to times kept in the history."""
    actions.move(appointment=appointment, start=datetime.fromisoformat(times["start"]), end=datetime.fromisoformat(times["end"]), now=now, reason=reason)


def cancel(appointment: Appointment, link: Link | None, now: datetime, *, reason: str) -> None:
    if appointment.is_live:
        actions.cancel(appointment=appointment, now=now, origin=link, reason=reason)


def reinstate(appointment: Appointment, now: datetime, *, reason: str) -> None:
    actions.reinstate(appointment=appointment, now=now, reason=reason)


def changed_at(appointment: Appointment) -> datetime | None:
    """When it was last saved by anybody."""
    moment: datetime | None = appointment.history.order_by("-history_date").values_list("history_date", flat=True).first()
    return moment


def label(item_id: int) -> str:
    """A line for lists; empty when it is erased."""
    appointment = load(item_id)
    return str(appointment.service) if appointment else ""


def labels(item_ids: Iterable[int]) -> dict[int, str]:
    """The same for many at once, in two queries: service and who comes. Ids of erased ones are missing."""
    found = Appointment.objects.filter(pk__in=set(item_ids)).select_related("service").prefetch_related("attendances__customer")
    return {one.pk: " · ".join([str(one.service), *(str(place.customer) for place in one.attendances.all())]) for one in found}


def times(item_ids: Iterable[int]) -> dict[int, dict[str, str]]:
    """Where they are here, as own_times says it; one query."""
    return {one.pk: own_times(one) for one in Appointment.objects.filter(pk__in=set(item_ids))}
