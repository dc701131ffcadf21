"""The forms of meetings: by the clock of the meeting's time zone, and days when it is all day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from booking.forms import Line, no_control
from booking.ical.rule import DAYS
from booking.models import Employee
from booking.pages import zone
from crm.models import Meeting
from crm.words import last_day, parts_of

OWN = "own"  # a rule that this form has no words for; it is kept
PATTERNS = {
    "daily": "FREQ=DAILY",
    "workdays": "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",
    "weekly": "FREQ=WEEKLY",
    "fortnightly": "FREQ=WEEKLY;INTERVAL=2",
    "monthly": "FREQ=MONTHLY",
    "yearly": "FREQ=YEARLY",
}
REPEATS = [
    ("", gettext_lazy("does not repeat")),
    ("daily", gettext_lazy("every day")),
    ("workdays", gettext_lazy("Monday to Friday")),
    ("weekly", gettext_lazy("every week")),
    ("fortnightly", gettext_lazy("every two weeks")),
    ("monthly", gettext_lazy("every month")),
    ("yearly", gettext_lazy("every year")),
]
REMINDERS = [
    ("", gettext_lazy("none")),
    ("0", gettext_lazy("at the start")),
    ("5", gettext_lazy("5 minutes before")),
    ("15", gettext_lazy("15 minutes before")),
    ("30", gettext_lazy("30 minutes before")),
    ("60", gettext_lazy("1 hour before")),
    ("1440", gettext_lazy("1 day before")),
]


def _day(label: Any, **options: Any) -> forms.DateField:
    widget = forms.DateInput(attrs={"type": "date", "min": "1970-01-01", "max": "2199-12-31"}, format="%Y-%m-%d")
    wrong = _YEAR if options.get("required") is False else _DAY
    return forms.DateField(label=label, input_formats=["%Y-%m-%d"], widget=widget, error_messages={"required": _DAY, "invalid": wrong}, **options)


def _clock(label: Any) -> forms.TimeField:
    widget = forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    return forms.TimeField(label=label, input_formats=["%H:%M", "%H:%M:%S"], widget=widget, error_messages={"required": _TIME, "invalid": _TIME})


_DAY, _TIME, _YEAR = gettext_lazy("Please enter a day."), gettext_lazy("Please enter a time."), gettext_lazy("This is not a day.")


class TimesForm(forms.Form):
    """Start and end as a person enters them."""

    start_day = _day(gettext_lazy("Start: day"))
    start_time = _clock(gettext_lazy("Start: time"))
    end_day = _day(gettext_lazy("End: day"), required=False)
    end_time = _clock(gettext_lazy("End: time"))

    def times(self, data: dict[str, Any], home: ZoneInfo, *, all_day: bool) -> tuple[datetime, datetime] | None:
        """Aware start and end, the end of an all-day one exclusive; None after noting an error. A day without an end is one day."""
        first, last = data.get("start_day"), data.get("end_day") or data.get("start_day")
        if first is None or last is None or "end_day" in self.errors:
            return None
        if not all(1970 <= one.year < 2200 for one in (first, last)):
            self.add_error("start_day", _YEAR)
            return None
        if all_day:
            begin, end = datetime.combine(first, time(), home), datetime.combine(last + timedelta(days=1), time(), home)
        else:
            if {"start_time", "end_time"} & set(self.errors):
                return None
            begin, end = datetime.combine(first, data["start_time"], home), datetime.combine(last, data["end_time"], home)
        if end.astimezone(UTC) < begin.astimezone(UTC):
            self.add_error("end_day", _("The end must not be before the start."))
            return None
        return begin.astimezone(UTC), end.astimezone(UTC)


class MeetingForm(TimesForm):
    """All of a meeting. What is left alone is not among `changes`."""

    title = Line(label=gettext_lazy("Subject"), max_length=300, error_messages={"required": gettext_lazy("Please enter a subject.")})
    all_day = forms.BooleanField(label=gettext_lazy("All day"), required=False)
    timezone = forms.ChoiceField(label=gettext_lazy("Time zone"))
    repeat = forms.ChoiceField(label=gettext_lazy("Repeats"), required=False)
    until = _day(gettext_lazy("Repeats until"), required=False, help_text=gettext_lazy("The last day on which it may take place."))
    location = Line(label=gettext_lazy("Place"), max_length=500, required=False)
    description = forms.CharField(
        label=gettext_lazy("Description"), max_length=20_000, required=False, validators=[no_control], widget=forms.Textarea(attrs={"rows": 4})
    )
    show_as = forms.ChoiceField(label=gettext_lazy("Show as"), choices=Meeting.ShowAs.choices)
    private = forms.BooleanField(
        label=gettext_lazy("Private"), required=False, help_text=gettext_lazy("Others see that you are busy, and nothing of what it is about.")
    )
    reminder = forms.TypedChoiceField(label=gettext_lazy("Reminder"), required=False, coerce=int, empty_value=None)
    status = forms.ChoiceField(label=gettext_lazy("Status"), choices=Meeting.Status.choices)
    sync_enabled = forms.BooleanField(
        label=gettext_lazy("Sync with calendars"),
        required=False,
        help_text=gettext_lazy("Switched off, its changes travel neither to the connected calendars nor back."),
    )
    field_order = ["title", "all_day", "start_day", "start_time", "end_day", "end_time", "timezone", "repeat", "until", "location", "description", "show_as"]

    def __init__(self, data: Any = None, *, owner: Employee, meeting: Meeting | None = None) -> None:
        self.owner, self.meeting = owner, meeting
        super().__init__(data, initial=_shown(meeting) if meeting else _fresh(owner))
        if self.initial.get("all_day") if data is None else data.get("all_day"):
            self.fields["start_time"].required = self.fields["end_time"].required = False
        names = zone.choices()
        known = self.initial["timezone"]
        self.fields["timezone"].choices = [(one, one) for one in (names if known in names else [known, *names])]  # type: ignore[attr-defined]
        own = [(OWN, _("as it was set in the calendar"))] if self.initial["repeat"] == OWN else []
        self.fields["repeat"].choices = [*REPEATS, *own]  # type: ignore[attr-defined]
        current = self.initial["reminder"]
        other = [(str(current), _("%(count)s minutes before") % {"count": current})] if str(current or "") not in dict(REMINDERS) else []
        self.fields["reminder"].choices = [*REMINDERS, *other]  # type: ignore[attr-defined]
        if meeting is None:
            del self.fields["status"]
        elif len(meeting.title) > 300 or len(meeting.location) > 500 or any(sign in meeting.title + meeting.location for sign in "\r\n"):
            for name in ("title", "location"):  # calendars take more than a person would type
                self.fields[name] = forms.CharField(label=self.fields[name].label, required=False, widget=forms.Textarea(attrs={"rows": 2}))

    def clean_description(self) -> str:
        return str(self.cleaned_data["description"]).replace("\r\n", "\n").replace("\r", "\n")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        home = ZoneInfo(self.owner.calendar.timezone if data.get("all_day") or "timezone" not in data else data["timezone"])
        times = self.times(data, home, all_day=bool(data.get("all_day")))
        if times is not None:
            data["start"], data["end"] = times
            until = data.get("until")
            if until and until < data["start_day"]:
                self.add_error("until", _("The repetition must not end before the meeting."))
            elif data.get("repeat") != OWN:
                data["recurrence"] = [f"RRULE:{PATTERNS[data['repeat']]}{_until(until, home, data)}"] if data.get("repeat") else []
        return data

    @property
    def changes(self) -> dict[str, Any]:
        """Fields of the meeting as they shall be; of an existing one only what was changed, so that nothing else is overwritten."""
        names = {"start_day": "start", "start_time": "start", "end_day": "end", "end_time": "end", "repeat": "recurrence", "until": "recurrence"}
        changed = {names.get(name, name) for name in self.changed_data} if self.meeting else set(self.fields) - set(names) | {"start", "end", "recurrence"}
        if changed & {"start", "end", "all_day", "timezone"}:
            changed |= {"start", "end"}
            if self.cleaned_data.get("until"):
                changed.add("recurrence")  # its last day is an instant in the zone
        return {name: self.cleaned_data[name] for name in sorted(changed) if name in self.cleaned_data}


class DateForm(TimesForm):
    """One date of a series that is to be otherwise."""

    title = Line(label=gettext_lazy("Subject"), max_length=300, error_messages={"required": gettext_lazy("Please enter a subject.")})
    location = Line(label=gettext_lazy("Place"), max_length=500, required=False)

    def __init__(self, data: Any = None, *, meeting: Meeting, start: datetime, end: datetime, own: Mapping[str, Any]) -> None:
        self.meeting = meeting
        texts = {name: own.get(name, getattr(meeting, name)) for name in ("title", "location")}
        super().__init__(data, initial=_moments(start, end, meeting.zone, all_day=meeting.all_day) | texts)
        if meeting.all_day:
            del self.fields["start_time"], self.fields["end_time"]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        times = self.times(data, self.meeting.zone, all_day=self.meeting.all_day)
        return data | ({"start": times[0], "end": times[1]} if times else {})


def _moments(start: datetime, end: datetime, home: ZoneInfo, *, all_day: bool) -> dict[str, Any]:
    begin, until = start.astimezone(home), end.astimezone(home)
    last = until.date() - timedelta(days=1) if all_day else until.date()
    clock = {} if all_day else {"start_time": begin.time(), "end_time": until.time()}
    return {"start_day": begin.date(), "end_day": last} | clock


def _fresh(owner: Employee) -> dict[str, Any]:
    """The next full hour."""
    home = ZoneInfo(owner.calendar.timezone)
    start = (timezone.now() + timedelta(hours=1)).astimezone(home).replace(minute=0, second=0, microsecond=0)
    rest = {"timezone": home.key, "repeat": "", "show_as": Meeting.ShowAs.BUSY, "reminder": "", "sync_enabled": True}
    return _moments(start, start + timedelta(hours=1), home, all_day=False) | rest


def _shown(meeting: Meeting) -> dict[str, Any]:
    repeat, until = pattern(meeting)
    named = ("title", "all_day", "timezone", "location", "description", "show_as", "private", "reminder", "status", "sync_enabled")
    own = {name: getattr(meeting, name) for name in named} | {"repeat": repeat, "until": until}
    return _moments(meeting.start, meeting.end, meeting.zone, all_day=meeting.all_day) | own


def pattern(meeting: Meeting) -> tuple[str, date | None]:
    """The choice and the last day that say how it repeats; OWN where the form has no words for it."""
    if not meeting.recurrence:
        return "", None
    line = meeting.recurrence[0]
    if len(meeting.recurrence) > 1 or not line.upper().startswith("RRULE:"):
        return OWN, None
    parts = parts_of(line)
    with timezone.override(meeting.zone):
        until = last_day(parts.pop("UNTIL")) if "UNTIL" in parts else None
    if parts.get("INTERVAL") == "1":
        del parts["INTERVAL"]
    parts.pop("WKST", None)
    if parts.get("FREQ") == "WEEKLY" and parts.get("BYDAY") == DAYS[meeting.start.astimezone(meeting.zone).weekday()]:
        del parts["BYDAY"]
    found = next((name for name, text in PATTERNS.items() if parts_of(f"RRULE:{text}") == parts), OWN)
    return found, until if found != OWN else None


def _until(day: date | None, home: ZoneInfo, data: Mapping[str, Any]) -> str:
    if day is None:
        return ""
    if data.get("all_day"):
        return f";UNTIL={day:%Y%m%d}"
    return f";UNTIL={datetime.combine(day, time(23, 59, 59), home).astimezone(UTC):%Y%m%dT%H%M%SZ}"
