"""Periods of events as calendar items, and what a calendar says back onto them. Writes only through the shop's actions."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Model, Q
from django.utils.translation import gettext_lazy as _

from booking.actions import events as actions
from booking.models import Allocation, Employee, EventPeriod, Registration
from booking.models import Event as Happening
from booking.notifications.placeholders.known import Where
from integrations.decide import Part
from integrations.items import Event, Person, with_snapshot
from integrations.local import sharing
from integrations.local.projection import Projection
from integrations.local.texts import field_back, tidy
from integrations.models import Link, Pair
from integrations.rules import Resolved

__all__ = ["field_back"]  # a kind says how its texts go back

KIND = "event"
LABEL = _("Events")
SERIES = False
IMPORTS = False  # what people register for is announced, never found in a calendar
WHERE: Where = "event"  # the placeholders of its texts
RULED = ("title", "description", "direction", "priority", "on_remote_delete", "attendees")


def load(item_id: int) -> EventPeriod | None:
    return EventPeriod.objects.select_related("event__organizer__calendar", "event__location").filter(pk=item_id).first()


def concerned(item: Model) -> list[int]:
    """The periods that may look different after a change of this: of a registration all that its event still has before it."""
    if isinstance(item, EventPeriod):
        return [item.pk]
    return [period.pk for period in item.event.live_periods] if isinstance(item, Registration) else []


def staff(item_id: int) -> list[Employee]:
    """Those who give it, the organiser first."""
    event = Happening.objects.select_related("organizer").filter(periods=item_id).first()
    return event.helpers if event else []


def calendars(item_id: int) -> list[int]:
    """Their calendars, the organiser's first."""
    return [one.calendar_id for one in staff(item_id)]


def links(item_id: int) -> list[int]:
    """Ids of the links where it is or should be."""
    having = Pair.objects.filter(kind=KIND, item_id=item_id).exclude(state__in=sharing.ENDED).values("link")
    wanted = Q(writes=True, calendar__in=calendars(item_id)) | Q(pk__in=having)
    return list(Link.objects.filter(wanted).values_list("pk", flat=True))


def upcoming(link: Link, now: datetime) -> list[int]:
    """Ids of the live periods of the link's calendar that are not over."""
    mine = Q(event__organizer__calendar=link.calendar_id) | Q(event__staff__calendar=link.calendar_id)
    coming = EventPeriod.objects.filter(mine, event__status=Happening.Status.PUBLISHED, is_cancelled=False, end__gt=now)
    return list(coming.distinct().values_list("pk", flat=True))


def occupies(link: Link, item_id: int) -> bool:
    """Whether the link's calendar holds its time already."""
    return Allocation.objects.filter(calendar=link.calendar_id, kind=KIND, holder_id=item_id).exists()


def is_of(link: Link, item_id: int, uid: str) -> bool:
    """Whether an event with that UID ("": not known) is the item's, and the item one of the link's calendar."""
    return EventPeriod.objects.filter(pk=item_id).exists() and uid in ("", load(item_id).uid) and link.calendar_id in calendars(item_id)  # type: ignore[union-attr]


def has_known(item_id: int, uid: str) -> bool:
    """Whether that is the UID ("": not known) of the item, be it erased by now."""
    return any(uid in ("", one.instance.uid) for one in EventPeriod.history.filter(id=item_id).order_by("-history_date")[:1])


def project(period: EventPeriod | None, link: Link, rule: Resolved, pair: Pair | None, now: datetime, *, hides_attendees: bool) -> Projection:
    """What the link's calendar should show of it."""
    if period is None:
        return Projection()
    if not period.event.sync_enabled or period.end < now - timedelta(days=rule.past_days):
        return Projection(leave=True)
    people = period.event.helpers
    if not period.is_live or link.calendar_id not in [one.calendar_id for one in people]:
        return Projection()
    part = sharing.part_of(KIND, period.pk, link, pair, people, now, shown=lambda _rule: True)
    return sharing.projection(KIND, period.pk, link, pair, part, lambda: _event(period, link, rule, pair, part, people, hides_attendees=hides_attendees))


def _event(period: EventPeriod, link: Link, rule: Resolved, pair: Pair | None, part: Part, people: Sequence[Employee], *, hides_attendees: bool) -> Event:
    from booking.notifications.placeholders import fill, values_for_event

    employee = next(one for one in people if one.calendar_id == link.calendar_id)
    event, values = period.event, values_for_event(period, employee.language)
    attendees = sharing.attendees(part, people, link, _registered(event) if rule.attendees else [], hides_attendees=hides_attendees)
    made = Event(
        start=period.start,
        end=period.end,
        uid=period.uid,
        title=" ".join(fill(rule.title, values).split()) or event.name,
        description=tidy(fill(rule.description, values)),
        location=(event.location.address or event.location.name) if event.location else "",
        timezone=event.timezone,
        attendees=attendees,
        organizer=Person(email=employee.email, name=employee.full_name, role="chair") if attendees else None,
    )
    return with_snapshot(made, pair.kept) if pair is not None and pair.kept else made


def _registered(event: Happening) -> list[Person]:
    found = event.registrations.filter(status=Registration.Status.REGISTERED).select_related("customer").order_by("pk")
    people = {one.customer.email.lower(): Person(email=one.customer.email, name=one.customer.full_name) for one in found}
    return list(people.values())


def release(period: EventPeriod, link: Link, addresses: Collection[str], now: datetime) -> bool:
    """Those invited under these addresses no longer give the event; the organiser always does. False when nobody left: whoever was only taken off one
    of several periods still gives the others, so a person has to decide."""
    event = period.event
    stay = sharing.staying(event.helpers, addresses)
    if len(event.live_periods) > 1 or len(stay) == len(event.helpers):
        return False
    actions.change(event=event, staff=stay, now=now, origin=link, reason=f"calendar: {link}", quiet=timedelta(seconds=settings.QUIET_SECONDS))
    return True


def own_times(period: EventPeriod) -> dict[str, str]:
    """Its start and end as JSON, for the history and for revert."""
    return {"start": period.start.astimezone(UTC).isoformat(), "end": period.end.astimezone(UTC).isoformat()}


def read_when(period: EventPeriod, when: dict[str, Any], rule: Resolved, link: Link) -> tuple[datetime, datetime]:
    """Start and end for what stands in the calendar; days are those where the event takes place."""
    if when["all_day"]:
        begin, until = (datetime.combine(date.fromisoformat(when[name]), time(), ZoneInfo(period.event.timezone)) for name in ("start", "end"))
        return begin.astimezone(UTC), until.astimezone(UTC)
    return datetime.fromisoformat(when["start"]), datetime.fromisoformat(when["end"])


def apply(period: EventPeriod, pair: Pair, values: dict[str, Any], rule: Resolved, now: datetime) -> None:
    """Takes over groups from the calendar: the time onto the period, texts onto the pair. SlotTaken if somebody of its people is taken then."""
    if "when" in values:
        start, end = read_when(period, values["when"], rule, pair.link)
        quiet, reason = timedelta(seconds=settings.QUIET_SECONDS), f"calendar: {pair.link}"
        actions.move_period(period=period, start=start, end=end, now=now, origin=pair.link, reason=reason, quiet=quiet)
    pair.kept |= {group: value for group, value in values.items() if group not in ("when", "attendees")}


def set_times(period: EventPeriod, times: dict[str, str], now: datetime, *, reason: str) -> None:
    """Back to times kept in the history."""
    actions.move_period(period=period, start=datetime.fromisoformat(times["start"]), end=datetime.fromisoformat(times["end"]), now=now, reason=reason)


def cancel(period: EventPeriod, link: Link | None, now: datetime, *, reason: str) -> None:
    if period.is_live:
        actions.cancel_period(period=period, now=now, origin=link, reason=reason, quiet=timedelta(seconds=settings.QUIET_SECONDS))


def reinstate(period: EventPeriod, now: datetime, *, reason: str) -> None:
    actions.reinstate_period(period=period, now=now, reason=reason)


def changed_at(period: EventPeriod) -> datetime | None:
    """When it or its event was last saved by anybody."""
    moments = [row.history.order_by("-history_date").values_list("history_date", flat=True).first() for row in (period, period.event)]
    return max((one for one in moments if one is not None), default=None)


def label(item_id: int) -> str:
    """A line for lists; empty when it is erased."""
    return labels([item_id]).get(item_id, "")


def labels(item_ids: Iterable[int]) -> dict[int, str]:
    """The same for many at once, in one query. Ids of erased ones are missing."""
    return {one.pk: str(one.event) for one in EventPeriod.objects.filter(pk__in=set(item_ids)).select_related("event")}


def times(item_ids: Iterable[int]) -> dict[int, dict[str, str]]:
    """Where they are here, as own_times says it; one query."""
    return {one.pk: own_times(one) for one in EventPeriod.objects.filter(pk__in=set(item_ids))}
