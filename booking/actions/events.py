"""Makes, publishes, changes and cancels events, registers for them and withdraws: the only writers of events.

Each runs in one transaction: lock the calendars, then the event, look again, save (the record's history with it), announce to the people by
the message outbox and to whoever listens by `item_changed`, once for each period, because a period is what a calendar shows. `origin` is
what caused it outside (a link), None for somebody here. `quiet` delays the customers' mails, so that they hear of the last state once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from django.db import transaction
from django.db.models import Q, Sum
from django.utils.translation import gettext as _

from booking.actions import allocation
from booking.actions.clashes import describe
from booking.errors import SlotTaken, WrongState
from booking.models import Employee, Event, EventPeriod, EventStaffing, Message, Registration
from booking.notifications import registrations as notify
from booking.signals import item_changed

FIELDS = frozenset(
    {"name", "slug", "description", "organizer", "location", "timezone", "capacity", "places_each", "registration_opens", "registration_closes", "sync_enabled"}
)
NOTHING = timedelta(0)


@dataclass(frozen=True, slots=True)
class Span:
    """One period as it shall be: aware instants. `pk` is the period that becomes it; None: a new one."""

    start: datetime
    end: datetime
    pk: int | None = None
    is_cancelled: bool = False


def create(*, fields: Mapping[str, Any], staff: Iterable[Employee] = (), periods: Sequence[Span], now: datetime) -> Event:
    """A draft: nobody sees it, and it takes nobody's time until it is published. `fields`: see FIELDS."""
    _check_names(fields)
    with transaction.atomic():
        event = Event(**fields)
        event.save()
        _set_staff(event, staff)
        _set_periods(event, periods)
        _announce(event, None)
        return event


def change(
    *,
    event: Event,
    fields: Mapping[str, Any] | None = None,
    staff: Iterable[Employee] | None = None,
    periods: Sequence[Span] | None = None,
    now: datetime,
    origin: object = None,
    reason: str = "",
    quiet: timedelta = NOTHING,
) -> None:
    """Whatever is given; what is not stays. SlotTaken names what is in the way of staff, hours don't matter.

    `periods` are all that shall remain: one that is missing is erased from a draft, and cancelled once the event has been published.
    """
    fields = fields or {}
    _check_names(fields)
    wanted = None if staff is None else list(staff)
    also = [*(wanted or ()), *([fields["organizer"]] if "organizer" in fields else [])]
    with _held(event, also=also) as before:
        if event.status == Event.Status.CANCELLED:
            raise WrongState(_("This event has been cancelled."))
        for name, value in fields.items():
            setattr(event, name, value)
        if event.capacity < (taken := places_taken(event)):
            raise WrongState(_("%(taken)s places are taken already; there can't be fewer.") % {"taken": taken})
        if fields:
            _save(event, reason)
        if wanted is not None:
            _set_staff(event, wanted)
        gone = [] if periods is None else _set_periods(event, periods, reason=reason)
        if event.is_live:
            _take(event)
            notify.tell_change(event, before=before, now=now, quiet=quiet)
        _announce(event, origin, gone)


def publish(*, event: Event, now: datetime, origin: object = None, reason: str = "") -> None:
    """Everybody may see it and register, and it takes the time of organiser and staff; SlotTaken names what is in the way."""
    with _held(event):
        if event.status != Event.Status.DRAFT:
            raise WrongState(_("Only a draft can be published."))
        _begin(event, origin, reason)


def cancel(*, event: Event, now: datetime, origin: object = None, reason: str = "", quiet: timedelta = NOTHING) -> None:
    """It doesn't take place: frees the time and tells everybody who has registered."""
    with _held(event):
        if not event.is_live:
            raise WrongState(_("Only a published event can be cancelled."))
        _end(event, now=now, origin=origin, reason=reason, quiet=quiet)


def reinstate(*, event: Event, now: datetime, origin: object = None, reason: str = "") -> None:
    """Takes back a cancellation, if the time is still free: who had registered still is."""
    with _held(event):
        if event.status != Event.Status.CANCELLED:
            raise WrongState(_("This event is not cancelled."))
        _begin(event, origin, reason)
        notify.tell(event, Message.Kind.REGISTERED, now=now)


def move_period(
    *,
    period: EventPeriod,
    start: datetime,
    end: datetime,
    now: datetime,
    origin: object = None,
    reason: str = "",
    quiet: timedelta = NOTHING,
) -> None:
    """One period to where staff or a calendar says; SlotTaken if something else is there."""
    if end <= start:
        raise WrongState(_("The end must be after the start."))
    with _held(period.event):
        _change_period(period, start=start, end=end, now=now, origin=origin, reason=reason, quiet=quiet)


def cancel_period(*, period: EventPeriod, now: datetime, origin: object = None, reason: str = "", quiet: timedelta = NOTHING) -> None:
    """One period doesn't take place. The last one takes the event with it."""
    with _held(period.event):
        if not EventPeriod.objects.filter(event=period.event, is_cancelled=False).exclude(pk=period.pk).exists():
            cancel(event=period.event, now=now, origin=origin, reason=reason, quiet=quiet)
        else:
            _change_period(period, is_cancelled=True, now=now, origin=origin, reason=reason, quiet=quiet)


def reinstate_period(*, period: EventPeriod, now: datetime, origin: object = None, reason: str = "") -> None:
    """Takes back what cancel_period did."""
    with _held(period.event):
        if period.event.status == Event.Status.CANCELLED:
            reinstate(event=period.event, now=now, origin=origin, reason=reason)
        if EventPeriod.objects.filter(pk=period.pk, is_cancelled=True).exists():
            _change_period(period, is_cancelled=False, now=now, origin=origin, reason=reason)


def delete(*, event: Event, origin: object = None) -> None:
    """Erases it for good (its history stays). Only when nobody has ever registered: else cancel it."""
    with _held(event):
        if event.registrations.exists():
            raise WrongState(_("People have registered for this event. Cancel it instead; they are told."))
        gone = list(event.periods.all())
        for period in gone:
            allocation.free(period)
        pks = [period.pk for period in gone]
        event.delete()
        for period, pk in zip(gone, pks, strict=True):
            period.pk = pk  # listeners find their own rows by it
            item_changed.send(sender=EventPeriod, item=period, origin=origin)


def places_taken(event: Event) -> int:
    taken: int | None = event.registrations.filter(status=Registration.Status.REGISTERED).aggregate(taken=Sum("places"))["taken"]
    return taken or 0


def people_of(event: Event) -> list[Employee]:
    """Organiser and staff, each once."""
    return list(Employee.objects.filter(Q(pk=event.organizer_id) | Q(event_staffings__event=event)).distinct().order_by("pk"))


@contextmanager
def held(event: Event) -> Iterator[None]:
    """One transaction in which the event is locked and read anew: what counts its places, or changes how many there are, waits here."""
    with transaction.atomic():
        try:
            event.refresh_from_db(from_queryset=Event.objects.select_for_update(of=("self",)))
        except Event.DoesNotExist as error:
            raise WrongState(_("This event no longer exists.")) from error
        yield


@contextmanager
def _held(event: Event, *, also: Iterable[Employee] = ()) -> Iterator[notify.Told]:
    """The same with the calendars of its people locked before, as appointments do it; yields what people know of the event."""
    with transaction.atomic():
        before = {one.calendar_id for one in [*people_of(event), *also]}
        allocation.lock(before)
        with held(event):
            if missed := {one.calendar_id for one in people_of(event)} - before:  # its staff was changed this instant
                allocation.lock(missed)
            yield notify.state_of(event)


def _begin(event: Event, origin: object, reason: str) -> None:
    event.status = Event.Status.PUBLISHED
    _save(event, reason)
    _take(event)
    _announce(event, origin)


def _end(event: Event, *, now: datetime, origin: object, reason: str, quiet: timedelta) -> None:
    event.status = Event.Status.CANCELLED
    _save(event, reason)
    for period in event.periods.all():
        allocation.free(period)
    notify.tell(event, Message.Kind.EVENT_CANCELLED, now=now, quiet=quiet)
    _announce(event, origin)


def _take(event: Event) -> None:
    """Its live periods take the time of its people in place of what they held. SlotTaken tells all that is in the way."""
    people, live = people_of(event), []
    for period in event.periods.all():
        allocation.free(period)
        if not period.is_cancelled:
            live.append(period)
    if not live:
        raise WrongState(_("An event needs at least one period that takes place. If it doesn't take place at all, cancel the event."))
    if any(later.start < earlier.end for earlier, later in pairwise(live)):
        raise SlotTaken(_("The periods of the event overlap."))
    if told := describe(live, people, event.zone):
        raise SlotTaken(told)
    for period in live:
        allocation.shrink(period, [one.calendar_id for one in people])
        allocation.occupy(period, people, first=True)


def _set_staff(event: Event, staff: Iterable[Employee]) -> None:
    wanted = {one.pk for one in staff} - {event.organizer_id}
    known = set(event.staffings.values_list("employee_id", flat=True))
    event.staffings.exclude(employee_id__in=wanted).delete()
    EventStaffing.objects.bulk_create(EventStaffing(event=event, employee_id=pk) for pk in sorted(wanted - known))


def _set_periods(event: Event, wanted: Sequence[Span], *, reason: str = "") -> list[EventPeriod]:
    """Returns those it erased, with their ids."""
    if any(span.end <= span.start for span in wanted):
        raise WrongState(_("The end must be after the start."))
    known = {period.pk: period for period in event.periods.all()}
    for span in wanted:
        period = known.pop(span.pk, None) if span.pk else EventPeriod(event=event, start=span.start, end=span.end)
        if period is None:
            raise WrongState(_("A period of this event no longer exists."))
        _write(period, span, reason)
    erased = []
    for period in known.values():
        if event.status != Event.Status.DRAFT:
            _write(period, Span(period.start, period.end, period.pk, is_cancelled=True), reason)
            continue
        pk = period.pk
        period.delete()
        period.pk = pk
        erased.append(period)
    return erased


def _write(period: EventPeriod, span: Span, reason: str) -> None:
    state = span.start, span.end, span.is_cancelled
    if period.pk is not None:
        if (period.start, period.end, period.is_cancelled) == state:
            return
        period.sequence += 1
    period.start, period.end, period.is_cancelled = state
    _save(period, reason)


def _change_period(period: EventPeriod, *, now: datetime, origin: object, reason: str, quiet: timedelta = NOTHING, **values: Any) -> None:
    """Some of `start`, `end`, `is_cancelled`; the event is locked. Leaves the instance as it is saved."""
    event = period.event
    spans = [Span(one.start, one.end, one.pk, one.is_cancelled) for one in event.periods.all()]
    if period.pk not in {span.pk for span in spans}:
        raise WrongState(_("A period of this event no longer exists."))
    wanted = [replace(span, **values) if span.pk == period.pk else span for span in spans]
    if wanted != spans:
        change(event=event, periods=wanted, now=now, origin=origin, reason=reason, quiet=quiet)
    period.refresh_from_db()
    period.event = event


def _announce(event: Event, origin: object, gone: Iterable[EventPeriod] = ()) -> None:
    for period in [*event.periods.all(), *gone]:
        item_changed.send(sender=EventPeriod, item=period, origin=origin)


def _check_names(fields: Mapping[str, Any]) -> None:
    if unknown := set(fields) - FIELDS:
        raise ValueError(f"not editable: {sorted(unknown)}")


def _save(row: Event | EventPeriod, reason: str) -> None:
    row._change_reason = reason[:100] or None  # type: ignore[union-attr]  # simple-history reads it
    row.save()
