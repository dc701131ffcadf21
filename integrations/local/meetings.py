"""Meetings as calendar items, and what a calendar says back onto meetings. Writes only through their actions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Model, Q
from django.utils.translation import gettext_lazy as _

from booking.models import Employee
from booking.models.calendar import timezones
from booking.notifications.placeholders.known import Where
from crm import actions
from crm.models import LIVE, Meeting
from integrations.items import Event, snapshot, with_snapshot
from integrations.local.projection import Projection, elsewhere
from integrations.models import FieldChange, Link, Pair
from integrations.rules import Resolved

KIND = "meeting"
LABEL = _("Meetings")
SERIES = True
IMPORTS = True
WHERE: Where = "calendar"  # none: a meeting is written word for word
RULED = ("direction", "imports", "priority", "on_remote_delete", "private")
ENDED = (Pair.State.CLOSED, Pair.State.UNLINKED)
LONGEST_UID = 500


def load(item_id: int) -> Meeting | None:
    return Meeting.objects.select_related("owner__calendar").filter(pk=item_id).first()


def concerned(item: Model) -> list[int]:
    """The meetings that may look different after a change of this."""
    return [item.pk] if isinstance(item, Meeting) else []


def calendars(item_id: int) -> list[int]:
    return list(Employee.objects.filter(meetings=item_id).values_list("calendar_id", flat=True))


def links(item_id: int) -> list[int]:
    """Ids of the links where it is or should be: the one its owner's calendar writes to, and those that have it already."""
    having = Pair.objects.filter(kind=KIND, item_id=item_id).exclude(state__in=ENDED).values("link")
    return list(Link.objects.filter(Q(writes=True, calendar__employee__meetings=item_id) | Q(pk__in=having)).distinct().values_list("pk", flat=True))


def upcoming(link: Link, now: datetime) -> list[int]:
    """Ids of the live meetings of the link's calendar that are not over."""
    coming = Q(ends_at=None) | Q(ends_at__gt=now)
    return list(Meeting.objects.filter(coming, owner__calendar=link.calendar_id, status__in=LIVE).values_list("pk", flat=True))


def occupies(link: Link, item_id: int) -> bool:
    """Whether the link's calendar holds its time already."""
    return Meeting.objects.filter(pk=item_id, owner__calendar=link.calendar_id, status__in=LIVE).exists()


def is_of(link: Link, item_id: int, uid: str) -> bool:
    """Whether an event with that UID ("": not known) is the item's, and the item one of the link's calendar."""
    return Meeting.objects.filter(pk=item_id, owner__calendar=link.calendar_id, **({"uid": uid} if uid else {})).exists()


def has_known(item_id: int, uid: str) -> bool:
    """Whether that is the UID ("": not known) of the item, be it erased by now."""
    return any(uid in ("", one.instance.uid) for one in Meeting.history.filter(id=item_id).order_by("-history_date")[:1])


def project(meeting: Meeting | None, link: Link, rule: Resolved, pair: Pair | None, now: datetime, *, hides_attendees: bool) -> Projection:
    """What the link's calendar should show of it."""
    if meeting is None:
        return Projection()
    over = meeting.ends_at is not None and meeting.ends_at < now - timedelta(days=rule.past_days)
    if not meeting.sync_enabled or over or (meeting.private and not rule.private):
        return Projection(leave=True)
    if not meeting.is_live or link.calendar_id != meeting.owner.calendar_id:
        return Projection()
    return elsewhere(KIND, meeting.pk, link, pair) or Projection(event(meeting))


def event(meeting: Meeting) -> Event:
    """Word for word: nothing is added that would have to be taken off again on the way back."""
    start, end = meeting.times
    single = Event(
        start=start,
        end=end,
        uid=meeting.uid,
        title=meeting.title,
        description=meeting.description,
        location=meeting.location,
        all_day=meeting.all_day,
        timezone=meeting.timezone,
        show_as=meeting.show_as,  # type: ignore[arg-type]
        private=meeting.private,
        reminder=meeting.reminder,
        status="tentative" if meeting.show_as == Meeting.ShowAs.TENTATIVE else "confirmed",
    )
    if not meeting.repeats:
        return single
    series = {"zone": "" if meeting.all_day else meeting.timezone, "rules": meeting.recurrence, "exceptions": meeting.exceptions}
    return with_snapshot(single, {"recurrence": series})


def own_times(meeting: Meeting) -> dict[str, str]:
    """Its start and end as JSON, days when it is all day, for the history and for revert."""
    start, end = (one.astimezone(UTC) if isinstance(one, datetime) else one for one in meeting.times)
    return {"start": start.isoformat(), "end": end.isoformat()}


def read_when(meeting: Meeting, when: dict[str, Any], rule: Resolved, link: Link) -> tuple[datetime, datetime]:
    """Start and end for what stands in the calendar: the inverse of `project`. Days are those of the link's calendar."""
    return _instant(when["start"], link.calendar.timezone), _instant(when["end"], link.calendar.timezone)


def _instant(text: str, zone: str) -> datetime:
    if len(text) == 10:
        return datetime.combine(date.fromisoformat(text), time(), ZoneInfo(zone))
    return datetime.fromisoformat(text).astimezone(UTC)


def apply(meeting: Meeting, pair: Pair, values: dict[str, Any], rule: Resolved, now: datetime) -> None:
    """Takes over groups from the calendar. NotASeries for a rule that can't be followed."""
    changes = _changes(meeting, values)
    if changes:
        actions.edit(meeting=meeting, changes=changes, origin=pair.link, reason=f"calendar: {pair.link}")


def _changes(meeting: Meeting, values: Mapping[str, Any]) -> dict[str, Any]:
    """Groups of a snapshot as fields of the meeting. The exceptions are always named: the calendar says itself which dates are otherwise."""
    changes: dict[str, Any] = {name: values[name] for name in actions.TEXTS & set(values)}
    if "when" in values:
        when, zone = values["when"], meeting.owner.calendar.timezone
        changes |= {"start": _instant(when["start"], zone), "end": _instant(when["end"], zone), "all_day": when["all_day"]}
        changes["exceptions"] = meeting.exceptions
    if "recurrence" in values:
        series = values["recurrence"] or {"zone": "", "rules": [], "exceptions": {}}
        changes |= {"recurrence": series["rules"], "exceptions": series["exceptions"]} | ({"timezone": series["zone"]} if series["zone"] else {})
    return changes


def take_over(event: Event, link: Link, rule: Resolved) -> tuple[Meeting, bool] | None:
    """The meeting that an event of the link's owner becomes, and whether it is new; None where it is to stay what it is: nobody's calendar, a
    place where somebody works, private and not wanted, or known from another calendar."""
    owner = Employee.objects.select_related("calendar").filter(calendar=link.calendar_id).first()
    if owner is None or event.show_as == "elsewhere" or (event.private and not rule.private) or not 0 < len(event.uid) <= LONGEST_UID:
        return None
    known = Meeting.objects.select_related("owner__calendar").filter(owner=owner, uid=event.uid).first()
    if known is not None:
        followed = Pair.objects.filter(kind=KIND, item_id=known.pk).exclude(state__in=ENDED).exists()
        return None if followed or not known.is_live else (known, False)
    values = {name: getattr(event, name) for name in actions.TEXTS}
    home = link.calendar.timezone
    start, end = (_instant(one.isoformat(), home) for one in (event.start, event.end))
    zone = event.timezone if event.timezone in timezones() else home
    series = snapshot(event, ["recurrence"])["recurrence"] or {"rules": [], "exceptions": {}}
    made = actions.create(
        owner=owner,
        origin=link,
        reason=f"calendar: {link}",
        uid=event.uid,
        **values,
        start=start,
        end=end,
        all_day=event.all_day,
        timezone=zone,
        recurrence=series["rules"],
        exceptions=series["exceptions"],
        reminder=event.reminder if event.reminder is not None and event.reminder >= 0 else None,
    )
    return made, True


def set_times(meeting: Meeting, times: dict[str, str], now: datetime, *, reason: str) -> None:
    """Back to times kept in the history."""
    zone = meeting.owner.calendar.timezone
    changes = {"start": _instant(times["start"], zone), "end": _instant(times["end"], zone), "all_day": len(times["start"]) == 10}
    actions.edit(meeting=meeting, changes=changes, reason=reason)


def field_back(change: FieldChange, pair: Pair, meeting: Meeting, now: datetime, *, reason: str) -> None:
    """A value kept in the history is the meeting's again."""
    actions.edit(meeting=meeting, changes=_changes(meeting, {change.field: change.old}), reason=reason)


def cancel(meeting: Meeting, link: Link | None, now: datetime, *, reason: str) -> None:
    if meeting.is_live:
        actions.cancel(meeting=meeting, origin=link, reason=reason)


def reinstate(meeting: Meeting, now: datetime, *, reason: str) -> None:
    actions.reinstate(meeting=meeting, reason=reason)


def changed_at(meeting: Meeting) -> datetime | None:
    """When it was last saved by anybody."""
    moment: datetime | None = meeting.history.order_by("-history_date").values_list("history_date", flat=True).first()
    return moment


def label(item_id: int) -> str:
    """A line for lists; empty when it is erased."""
    return labels([item_id]).get(item_id, "")


def labels(item_ids: Iterable[int]) -> dict[int, str]:
    """The same for many at once, in one query. Ids of erased ones are missing."""
    found = Meeting.objects.filter(pk__in=set(item_ids)).only("title", "private")
    return {one.pk: str(one) for one in found}


def times(item_ids: Iterable[int]) -> dict[int, dict[str, str]]:
    """Where they are here, as own_times says it; one query."""
    return {one.pk: own_times(one) for one in Meeting.objects.filter(pk__in=set(item_ids))}
