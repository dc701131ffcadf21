"""An employee's own meetings: the list, the form, the single dates of a series, and erasing one."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from booking.errors import BookingError
from booking.models import Allocation
from booking.pages import menu
from booking.pages.changes import changes_of
from crm import actions
from crm.forms import DateForm, MeetingForm
from crm.models import LIVE, Meeting
from crm.pages.access import meeting_of, owner_of, page
from crm.series import Date, dates
from crm.words import repetition

PER_PAGE = 25
NEXT = 12  # dates of a series on its page
form_pages = require_http_methods(["GET", "HEAD", "POST"])


@page
@require_safe
def meetings(request: HttpRequest) -> HttpResponse:
    """What is coming, the next one first, or what is past; ?q= looks in subject, place and description."""
    owner, now = owner_of(request), timezone.now()
    past, text, ended = request.GET.get("show") == "past", request.GET.get("q", "").strip()[:200], "cancelled" in request.GET
    found = Meeting.objects.filter(owner=owner)
    found = found.filter(ends_at__lte=now) if past else found.filter(Q(ends_at=None) | Q(ends_at__gt=now))
    if not ended:
        found = found.filter(status__in=LIVE)
    if text:
        found = found.filter(Q(title__icontains=text) | Q(location__icontains=text) | Q(description__icontains=text))
    rows = [_row(one, now, past=past) for one in found]
    rows.sort(key=lambda row: (row["start"], row["meeting"].pk), reverse=past)
    context = {
        "shown": Paginator(rows, PER_PAGE).get_page(request.GET.get("page")),
        "past": past,
        "text": text,
        "ended": ended,
        "filtered": bool(text or ended),
        "zone": owner.calendar.timezone,
        "now": now,
    }
    return render(request, "crm/meetings.html", context)


def _row(meeting: Meeting, now: datetime, *, past: bool) -> dict[str, Any]:
    """With its next date, or its last one."""
    start, end = meeting.start, meeting.end
    if meeting.repeats:
        near = _dates(meeting, now, past=past)
        if near:
            one = near[-1] if past else near[0]
            start, end = one.start, one.end
    return {"meeting": meeting, "start": start, "end": end, "last_day": end - timedelta(seconds=1), "repeats": repetition(meeting.recurrence)}


def _dates(meeting: Meeting, now: datetime, *, past: bool = False) -> list[Date]:
    within = (meeting.start, now) if past else (now, now + actions.AHEAD)
    return dates(actions.series_of(meeting), within)


@page
@form_pages
def new(request: HttpRequest) -> HttpResponse:
    owner = owner_of(request)
    form = MeetingForm(request.POST if request.method == "POST" else None, owner=owner)
    if request.method == "POST" and form.is_valid():
        try:
            made = actions.create(owner=owner, **form.changes)
        except BookingError as error:
            form.add_error("repeat", str(error))
        else:
            messages.success(request, _("The meeting has been entered."))
            _warn(request, made)
            return redirect("crm:meetings")
    return render(request, "crm/meeting.html", {"form": form, "zone": owner.calendar.timezone}, status=400 if form.errors else 200)


@page
@form_pages
def meeting(request: HttpRequest, pk: int) -> HttpResponse:
    """The form of one meeting, its next dates when it repeats, and what has happened to it."""
    found = meeting_of(request, pk)
    form = MeetingForm(request.POST if request.method == "POST" else None, owner=found.owner, meeting=found)
    if request.method == "POST" and form.is_valid():
        try:
            actions.edit(meeting=found, changes=form.changes)
        except BookingError as error:
            form.add_error("repeat", str(error))
        else:
            messages.success(request, _("Saved."))
            _warn(request, found)
            return redirect("crm:meeting", pk)
    stored = meeting_of(request, pk)  # as it is, whatever the form says
    now = timezone.now()
    context = {
        "form": form,
        "meeting": stored,
        "repeats": repetition(stored.recurrence, stored.exceptions),
        "dates": _dates(stored, now)[:NEXT] if stored.repeats and stored.is_live else [],
        "left_out": [(key, actions.moment_of(stored, key)) for key, said in stored.exceptions.items() if said is None][-NEXT:],
        "changes": changes_of(stored, {"recurrence": repetition, "exceptions": _differing}),
        "sections": menu.sections(request, stored),
        "zone": stored.owner.calendar.timezone,
    }
    return render(request, "crm/meeting.html", context, status=400 if form.errors else 200)


def _differing(exceptions: dict[str, Any]) -> str:
    return str(len(exceptions))


def _warn(request: HttpRequest, meeting: Meeting) -> None:
    """A meeting may stand in the way of what has been sold already: the owner decides, but is told."""
    if meeting.is_live and meeting.show_as not in actions.TAKES_NO_TIME:
        met = Allocation.objects.filter(calendar=meeting.owner.calendar_id, start__lt=meeting.end, end__gt=meeting.start)
        if met.exists():
            messages.warning(request, _("At this time you have an appointment too."))


@page
@form_pages
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Says what will happen; only POST does it."""
    found = meeting_of(request, pk)
    if request.method == "POST":
        actions.delete(meeting=found)
        messages.success(request, _("The meeting has been deleted."))
        return redirect("crm:meetings")
    return render(request, "crm/meeting_delete.html", {"meeting": found, "zone": found.owner.calendar.timezone, "repeats": repetition(found.recurrence)})


@page
@form_pages
def one_date(request: HttpRequest, pk: int, original: str) -> HttpResponse:
    """One date of a series: at another time, left out, or like all the others again."""
    found = meeting_of(request, pk)
    start, end, own = _original(found, original)
    act = request.POST.get("act", "")
    form = DateForm(request.POST if act == "change" else None, meeting=found, start=start, end=end, own=own)
    try:
        if act == "leave_out":
            actions.change_date(meeting=found, original=original, said=None)
        elif act == "restore":
            actions.restore_date(meeting=found, original=original)
        elif act == "change" and form.is_valid():
            said = {name: form.cleaned_data[name] for name in ("start", "end", "title", "location")}
            others = {name: value for name, value in own.items() if name in actions.TEXTS and name not in said}
            actions.change_date(meeting=found, original=original, said=said | others)
        else:
            context = {"meeting": found, "form": form, "start": start, "end": end, "original": original, "differs": original in found.exceptions}
            context |= {"left_out": found.exceptions.get(original, "") is None, "zone": found.owner.calendar.timezone}
            return render(request, "crm/meeting_date.html", context, status=400 if form.errors else 200)
        messages.success(request, _("Saved."))
    except BookingError as error:
        messages.error(request, str(error))
    return redirect("crm:meeting", pk)


def _original(meeting: Meeting, original: str) -> tuple[datetime, datetime, dict[str, Any]]:
    """When that date is now, and what it says of its own. Http404 where the series has no such date."""
    try:
        start = actions.moment_of(meeting, original)
        known = original in meeting.exceptions or actions.has_date(meeting, original)
    except ValueError:
        known = False
    if not known:
        raise Http404
    said = meeting.exceptions.get(original)
    if said:
        return actions.moment_of(meeting, said["start"]), actions.moment_of(meeting, said["end"]), said
    return start, start + (meeting.end - meeting.start), {}
