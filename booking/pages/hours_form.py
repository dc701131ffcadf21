"""The forms of working hours: periods as they are typed, a special day, days off, and where the clock stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from booking import public_holidays
from booking.actions import hours
from booking.actions.hours import Period
from booking.forms import Line
from booking.models import Calendar, Employee, Location, Service
from booking.models.calendar import WEEKDAYS
from booking.pages import zone

Choices = list[tuple[str, str]]
Row = dict[str, Any]
_TIME = gettext_lazy("Please enter a time like 09:00.")
_DAY = gettext_lazy("Please enter a day.")


def _clock(label: Any) -> forms.TimeField:
    widget = forms.TimeInput(attrs={"type": "time", "class": "form-control"}, format="%H:%M")
    return forms.TimeField(label=label, required=False, input_formats=["%H:%M", "%H:%M:%S"], widget=widget, error_messages={"invalid": _TIME})


def _date(label: Any) -> forms.DateField:
    widget = forms.DateInput(attrs={"type": "date", "min": "1970-01-01", "max": "2199-12-31"}, format="%Y-%m-%d")
    return forms.DateField(label=label, input_formats=["%Y-%m-%d"], widget=widget, error_messages={"required": _DAY, "invalid": _DAY})


class PeriodForm(forms.Form):
    """One period of a day; left blank it is none. `number` is the day it stands at, Monday 0."""

    number = forms.IntegerField(min_value=0, max_value=6, widget=forms.HiddenInput)
    start = _clock(gettext_lazy("From"))
    end = _clock(gettext_lazy("Until"))
    location = forms.ChoiceField(label=gettext_lazy("Place"), required=False, widget=forms.Select(attrs={"class": "form-select"}))
    services = forms.MultipleChoiceField(label=gettext_lazy("Only for"), required=False, widget=forms.CheckboxSelectMultiple)

    def __init__(self, *args: Any, places: Choices, offers: Choices, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["location"].choices = [("", _("wherever")), *places]  # type: ignore[attr-defined]
        self.fields["services"].choices = offers  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        typed: dict[str, Any] = super().clean() or self.cleaned_data
        start, end = typed.get("start"), typed.get("end")
        if start is not None and end is None and "end" not in self.errors:
            self.add_error("end", _TIME)
        if end is not None and start is None and "start" not in self.errors:
            self.add_error("start", _TIME)
        if start is not None and end is not None and (end.hour or end.minute) and end <= start:
            self.add_error("end", _("The end must be after the start."))
        return typed

    @property
    def period(self) -> Period | None:
        typed = self.cleaned_data
        if typed["start"] is None:
            return None
        location = int(typed["location"]) if typed["location"] else None
        return Period(typed["start"], typed["end"], location, frozenset(int(pk) for pk in typed["services"]))

    @property
    def chosen_services(self) -> list[str]:
        """The names of those it is for."""
        chosen = {str(value) for value in self["services"].value() or ()}
        return [label for value, label in self.fields["services"].choices if str(value) in chosen]  # type: ignore[attr-defined]


class PeriodForms:
    """The periods of some days as they are typed. Rows can be added, taken away and copied from day to day before anything is saved."""

    def __init__(self, employee: Employee, *, days: Sequence[Sequence[Period]] = (), data: QueryDict | None = None) -> None:
        known = {pk for periods in days for one in periods for pk in one.service_ids}
        if data is not None:
            known |= {int(pk) for name, values in data.lists() if name.endswith("-services") for pk in values if pk.isdecimal() and len(pk) < 19}
        offered = Service.objects.filter(employees=employee, is_active=True) | Service.objects.filter(pk__in=known)
        self.places: Choices = [(str(one.pk), one.name) for one in Location.objects.all()]
        self.offers: Choices = [(str(one.pk), one.name) for one in offered.distinct()]
        self.forms: list[PeriodForm] = []
        if data is None:
            self._show(_row(number, one) for number, periods in enumerate(days) for one in periods)
        else:
            self.forms = [self._form(number, data=data) for number in range(_rows(data))]

    def is_valid(self) -> bool:
        """Whether all can be saved. What can't is said at the row."""
        valid = all(one.is_valid() for one in self.forms)
        for number in range(7):
            rows = [one for one in self.forms if one.is_valid() and one.cleaned_data["number"] == number and one.period is not None]
            meeting = hours.clash([one.period for one in rows if one.period is not None])
            if meeting is not None:
                rows[meeting].add_error("start", _("This overlaps another period of the day."))
                valid = False
        return valid

    def periods(self, number: int) -> list[Period]:
        found = [one.period for one in self.forms if one.cleaned_data["number"] == number]
        return sorted((one for one in found if one is not None), key=lambda one: (one.start, one.end))

    def change(self, wish: str, data: QueryDict) -> None:
        """ "add:3", "remove:5" or "copy": what the buttons between the rows do. Nothing is checked yet."""
        rows = [_typed(one, data) for one in self.forms]
        name, _colon, value = wish.partition(":")
        number = int(value) if value.isdecimal() and len(value) < 4 else -1
        if name == "add" and number in range(7):
            rows.append({"number": str(number), "new": True})
        elif name == "remove" and number in range(len(rows)):
            del rows[number]
        elif name == "copy":
            source = data.get("copy_from", "")
            targets = [day for day in data.getlist("copy_to") if day in map(str, range(7)) and day != source]
            copied = [row for row in rows if row["number"] == source]
            rows = [row for row in rows if row["number"] not in targets] + [{**row, "number": day} for day in targets for row in copied]
        self._show(rows)

    def at(self, number: int) -> list[tuple[int, PeriodForm]]:
        """The rows of a day, each with its place among all."""
        return [(place, one) for place, one in enumerate(self.forms) if str(one["number"].value()) == str(number)]

    def _show(self, rows: Iterable[Row]) -> None:
        self.forms = [self._form(number, initial=row) for number, row in enumerate(rows)]

    def _form(self, number: int, **options: Any) -> PeriodForm:
        form = PeriodForm(prefix=f"row-{number}", places=self.places, offers=self.offers, **options)
        if options.get("initial", {}).get("new"):
            form.fields["start"].widget.attrs["autofocus"] = True
        return form


class SpecialDayForm(forms.Form):
    day = _date(gettext_lazy("Day"))


class TimeOffForm(forms.Form):
    """Whole days; without a last day it is one."""

    first_day = _date(gettext_lazy("First day"))
    last_day = _date(gettext_lazy("Last day"))
    label = Line(label=gettext_lazy("What for"), max_length=200, required=False)
    yearly = forms.BooleanField(label=gettext_lazy("Every year on these days"), required=False)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["last_day"].required = False

    def clean(self) -> dict[str, Any]:
        typed: dict[str, Any] = super().clean() or self.cleaned_data
        first, last = typed.get("first_day"), typed.get("last_day")
        if first and not last and "last_day" not in self.errors:
            typed["last_day"] = first
        if first and last and last < first:
            self.add_error("last_day", _("The last day must not be before the first."))
        return typed


class ClockForm(forms.Form):
    """By which clock the hours are meant, and which public holidays there are."""

    timezone = forms.ChoiceField(label=gettext_lazy("Time zone"), help_text=gettext_lazy("The hours are meant by the clock on the wall there."))
    holidays = forms.ChoiceField(label=gettext_lazy("Public holidays of"), required=False)
    closed = forms.BooleanField(
        label=gettext_lazy("Closed on public holidays"), required=False, help_text=gettext_lazy("A special day on a holiday is open all the same.")
    )

    def __init__(self, data: Mapping[str, Any] | None = None, *, calendar: Calendar) -> None:
        code = public_holidays.code(calendar.holidays_country, calendar.holidays_subdivision)
        super().__init__(data, initial={"timezone": calendar.timezone, "holidays": code, "closed": calendar.holidays_closed})
        names = sorted({*zone.choices(), calendar.timezone})
        self.fields["timezone"].choices = [(name, name) for name in names]  # type: ignore[attr-defined]
        self.fields["holidays"].choices = public_holidays.choices(get_language() or "en")  # type: ignore[attr-defined]


def weekdays() -> list[tuple[int, str]]:
    return [(number, str(name)) for number, name in WEEKDAYS]


def _rows(data: QueryDict) -> int:
    text = data.get("rows", "")
    return min(int(text), 7 * hours.MOST) if text.isdecimal() and len(text) < 5 else 0


def _row(number: int, period: Period) -> Row:
    chosen = [str(pk) for pk in period.service_ids]
    return {"number": str(number), "start": period.start, "end": period.end, "location": str(period.location_id or ""), "services": chosen}


def _typed(form: PeriodForm, data: QueryDict) -> Row:
    """The row as it was sent, whatever it says."""
    row: Row = {name: data.get(form.add_prefix(name), "") for name in ("number", "start", "end", "location")}
    return {**row, "services": data.getlist(form.add_prefix("services"))}
