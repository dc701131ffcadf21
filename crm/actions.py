"""Writes meetings and the time they take: the only writers.

Each runs in one transaction: lock the owner's calendar, save (the record's history with it), write the busy times, announce by
`item_changed`. `origin` is what caused it outside (a link), None for somebody here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, time, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from booking.actions import allocation, busy
from booking.errors import BookingError, WrongState
from booking.ical import IcalError
from booking.models import BusySource, Employee
from booking.signals import item_changed
from crm.models import LIVE, Meeting, MeetingSource
from crm.series import Series, carried, check, dates, key, last_end, moment, occurs

PAST = timedelta(days=30)
# Farther than anybody books or any calendar is read (24 months): the rest is written by `roll`, long before it is asked for.
AHEAD = timedelta(days=800)
FOR_EVER = timedelta(days=36_500)
TAKES_NO_TIME = (Meeting.ShowAs.FREE, Meeting.ShowAs.ELSEWHERE)
TIMES = {"start", "end", "all_day", "timezone", "recurrence"}
TEXTS = {"title", "description", "location", "private", "show_as"}
EDITABLE = TIMES | TEXTS | {"exceptions", "reminder", "sync_enabled", "status"}


class NotASeries(BookingError):
    """The rule is none that can be followed."""

    code = "recurrence"


def create(*, owner: Employee, origin: object = None, reason: str = "", uid: str = "", **values: Any) -> Meeting:
    """A new meeting. `values`: fields of EDITABLE; start and end are aware. Raises WrongState, NotASeries."""
    _known(values)
    meeting = Meeting(owner=owner, **({"uid": uid} if uid else {}))
    with _locked(owner):
        _put(meeting, values)
        _save(meeting, reason, origin)
    return meeting


def edit(*, meeting: Meeting, changes: Mapping[str, Any], origin: object = None, reason: str = "") -> None:
    """Changes fields of EDITABLE. A series that moves or gets another rule takes its changed dates along, unless `changes` names the exceptions."""
    _known(changes)
    with _held(meeting):
        before = series_of(meeting)
        _put(meeting, changes)
        if "exceptions" not in changes and series_of(meeting) != before:
            meeting.exceptions = carried(before, series_of(meeting))
        _save(meeting, reason, origin)


def change_date(*, meeting: Meeting, original: str, said: Mapping[str, Any] | None, origin: object = None, reason: str = "") -> None:
    """One date of a series is otherwise: {"start", "end"} (aware) and what of TEXTS differs; None where it does not take place."""
    with _held(meeting):
        if not occurs(series_of(meeting), original):
            raise WrongState(_("The series has no such date any more."))
        if said is not None:
            if said["end"] < said["start"]:
                raise WrongState(_("The end must not be before the start."))
            times = {name: key(said[name], series_of(meeting)) for name in ("start", "end")}
            own = {name: said[name] for name in sorted(TEXTS & set(said)) if said[name] != getattr(meeting, name)}
            said = times | own
        meeting.exceptions = dict(sorted((meeting.exceptions | {original: said}).items()))
        _save(meeting, reason, origin)


def restore_date(*, meeting: Meeting, original: str, origin: object = None, reason: str = "") -> None:
    """That date is like all the others again."""
    with _held(meeting):
        if original not in meeting.exceptions:
            raise WrongState(_("This date is like all the others."))
        meeting.exceptions = {name: said for name, said in meeting.exceptions.items() if name != original}
        _save(meeting, reason, origin)


def cancel(*, meeting: Meeting, origin: object = None, reason: str = "") -> None:
    with _held(meeting):
        if not meeting.is_live:
            raise WrongState(_("This meeting has already been cancelled."))
        meeting.status = Meeting.Status.CANCELLED
        _save(meeting, reason, origin)


def reinstate(*, meeting: Meeting, origin: object = None, reason: str = "") -> None:
    with _held(meeting):
        if meeting.is_live:
            raise WrongState(_("This meeting is not cancelled."))
        meeting.status = Meeting.Status.PLANNED
        _save(meeting, reason, origin)


def delete(*, meeting: Meeting, origin: object = None) -> None:
    """Erases it for good (its history stays), here and in the calendars."""
    with _held(meeting):
        busy.replace(_source(meeting.owner), _key(meeting), [])
        pk = meeting.pk
        meeting.delete()
        meeting.pk = pk  # listeners find their own rows by it
        item_changed.send(sender=Meeting, item=meeting, origin=origin)


def roll(now: datetime) -> None:
    """Series go on: what has come nearer takes its time now, what is over is let go. Whole days are where their zone's rules put them now. Daily; run
    twice it changes nothing."""
    for held in MeetingSource.objects.select_related("owner"):
        with _locked(held.owner):
            for meeting in Meeting.objects.filter(owner=held.owner, status__in=LIVE).filter(Q(all_day=True) | ~Q(recurrence=[])):
                if _put_on_its_days(meeting):
                    meeting.save(update_fields=["start", "end"])
                _take_time(meeting, now)
            _trust(_source(held.owner), held.owner, now)


def _known(values: Mapping[str, Any]) -> None:
    if unknown := set(values) - EDITABLE:
        raise ValueError(f"not editable: {sorted(unknown)}")


def _put(meeting: Meeting, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        setattr(meeting, name, value)
    if meeting.end < meeting.start:
        raise WrongState(_("The end must not be before the start."))
    if meeting.all_day:  # days are those of the owner's calendar
        meeting.timezone = meeting.owner.calendar.timezone
        meeting.start, meeting.end = _midnight(meeting.start, meeting), _midnight(meeting.end, meeting)
        if meeting.end <= meeting.start:
            meeting.end = _midnight(meeting.start + timedelta(days=1, hours=12), meeting)
    check(meeting.recurrence, meeting.timezone)
    if not meeting.recurrence:
        meeting.exceptions = {}


def _put_on_its_days(meeting: Meeting) -> bool:
    """Whether midnight is at another instant than when it was written down."""
    if not meeting.all_day:
        return False
    start, end = (datetime.combine(one, time(), meeting.zone) for one in meeting.times)
    moved = (start, end) != (meeting.start, meeting.end)
    meeting.start, meeting.end = start, end
    return moved


def _midnight(value: datetime, meeting: Meeting) -> datetime:
    return datetime.combine(value.astimezone(meeting.zone).date(), time(), meeting.zone)


def series_of(meeting: Meeting) -> Series:
    """When it takes place."""
    return Series(meeting.start, meeting.end, meeting.all_day, meeting.timezone, tuple(meeting.recurrence), dict(meeting.exceptions))


def moment_of(meeting: Meeting, text: str) -> datetime:
    """The instant of a text from its exceptions. Raises ValueError."""
    return moment(text, meeting.zone)


def has_date(meeting: Meeting, original: str) -> bool:
    """Whether its rule puts a date there. Raises ValueError for what names none."""
    return meeting.repeats and key(moment_of(meeting, original), series_of(meeting)) == original and occurs(series_of(meeting), original)


@contextmanager
def _locked(owner: Employee) -> Iterator[None]:
    with transaction.atomic():
        allocation.lock([owner.calendar_id])
        try:
            yield
        except IcalError as error:
            raise NotASeries(_("This repetition can't be followed.")) from error


@contextmanager
def _held(meeting: Meeting) -> Iterator[None]:
    """One transaction in which the owner's calendar is locked, then the meeting, then read anew: in the order of the house."""
    with _locked(meeting.owner):
        try:
            meeting.refresh_from_db(from_queryset=Meeting.objects.select_for_update(of=("self",)).select_related("owner__calendar"))
        except Meeting.DoesNotExist as error:
            raise WrongState(_("This meeting no longer exists.")) from error
        _put_on_its_days(meeting)
        yield


def _save(meeting: Meeting, reason: str, origin: object) -> None:
    now = timezone.now()
    meeting.ends_at = last_end(series_of(meeting))
    meeting._change_reason = reason[:100] or None  # type: ignore[attr-defined]  # simple-history reads it
    meeting.save()
    _take_time(meeting, now)
    _trust(_source(meeting.owner), meeting.owner, now)
    item_changed.send(sender=Meeting, item=meeting, origin=origin)


def _take_time(meeting: Meeting, now: datetime) -> None:
    """The busy times of one meeting, its dates within the window singly. Titles are for the owner alone, and not even there when it is private."""
    spans = []
    if meeting.is_live:
        within = (now - PAST, now + AHEAD) if meeting.repeats else (meeting.start, meeting.end + timedelta(seconds=1))
        for one in dates(series_of(meeting), within):
            said = {name: one.own.get(name, getattr(meeting, name)) for name in ("title", "private", "show_as")}
            if said["show_as"] not in TAKES_NO_TIME:
                spans.append(busy.Span(one.start, one.end, "" if said["private"] else said["title"]))
    busy.replace(_source(meeting.owner), _key(meeting), spans)


def _key(meeting: Meeting) -> str:
    return f"meeting:{meeting.pk}"


def _source(owner: Employee) -> BusySource:
    held = MeetingSource.objects.select_related("source").filter(owner=owner).first()
    if held is None:
        with translation.override(owner.language):
            source = busy.add_source(calendar=owner.calendar, label=str(_("Meetings")), max_age=FOR_EVER)
        held = MeetingSource.objects.create(owner=owner, source=source)
    return held.source


def _trust(source: BusySource, owner: Employee, now: datetime) -> None:
    """Single meetings are known for ever, series up to where they have been written down."""
    endless = Meeting.objects.filter(owner=owner, status__in=LIVE).exclude(recurrence=[]).exclude(ends_at__lt=now + AHEAD)
    busy.mark_read(source, at=now, complete_until=now + AHEAD if endless.exists() else None)
