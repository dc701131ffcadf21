"""The forms of the booking pages."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast
from zoneinfo import ZoneInfo

from django import forms
from django.core.validators import RegexValidator
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from booking.api.fields import CONTROL, NOT_IN_NOTES, YEARS
from booking.models import Employee, Service

# These texts go into mail headers and calendar entries, where a line break would begin something new.
one_line = RegexValidator(CONTROL, _("Line breaks and control characters are not allowed here."), inverse_match=True)
no_control = RegexValidator(NOT_IN_NOTES, _("Control characters are not allowed here."), inverse_match=True)
dialable = RegexValidator(r"^[0-9+()/.\- ]*$", _("Please enter a phone number like +49 30 901820."))


class Line(forms.CharField):
    """One line of text. Refuses line breaks wherever they are: stripping would hide those at the ends."""

    default_validators = [one_line]

    def __init__(self, **options: object) -> None:
        super().__init__(strip=False, **options)  # type: ignore[arg-type]

    def clean(self, value: object) -> str:
        return str(super().clean(value)).strip()

    def validate(self, value: str) -> None:
        super().validate(value.strip(" ") if isinstance(value, str) else value)


class WallTime(forms.Field):
    """A date and time without a zone, as <input type="datetime-local"> sends it."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    default_error_messages = {"required": _("Please enter a date and a time."), "invalid": _("Please enter a date and a time.")}

    def to_python(self, value: str | None) -> datetime | None:
        if not value:
            return None
        try:
            at = datetime.fromisoformat(value)
        except ValueError:
            at = None
        if at is None or at.tzinfo is not None or at.year not in YEARS:
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid")
        return at


def wall_of(instant: datetime, zone: ZoneInfo) -> datetime:
    """What the clock there shows, to the minute, as WallTime has it."""
    return instant.astimezone(zone).replace(tzinfo=None, second=0, microsecond=0)


def instant_of(wall: datetime, zone: ZoneInfo) -> datetime:
    """The instant at which the clock there shows it; of an hour that comes twice the first (RFC 5545 §3.3.5). ValidationError for one that is skipped."""
    instant = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) != wall:
        raise forms.ValidationError(_("The clocks are put forward then: this time does not exist on that day."), code="skipped")
    return instant


class DayInput(forms.DateInput):
    """As <input type="date"> wants it, whatever the language."""

    def __init__(self) -> None:
        super().__init__(attrs={"type": "date"}, format="%Y-%m-%d")


class BookingForm(forms.Form):
    """Who comes. The lengths are those of the tables. `most`: so many persons can come at all; `left`: at the time that was chosen."""

    first_name = Line(
        label=_("First name"),
        max_length=150,
        widget=forms.TextInput(attrs={"autocomplete": "given-name"}),
        error_messages={"required": _("Please enter your first name.")},
    )
    last_name = Line(
        label=_("Last name"),
        max_length=150,
        widget=forms.TextInput(attrs={"autocomplete": "family-name"}),
        error_messages={"required": _("Please enter your last name.")},
    )
    email = forms.EmailField(
        label=_("E-mail"),
        max_length=254,
        validators=[one_line],
        help_text=_("The confirmation is sent there, with a link to change or cancel."),
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
        error_messages={"required": _("Please enter your e-mail address."), "invalid": _("Please enter an e-mail address like name@example.org.")},
    )
    phone = Line(
        label=_("Phone"),
        max_length=40,
        required=False,
        validators=[dialable],
        widget=forms.TextInput(attrs={"autocomplete": "tel", "type": "tel"}),
    )
    notes = forms.CharField(label=_("Notes"), max_length=2000, required=False, validators=[no_control], widget=forms.Textarea(attrs={"rows": 3}))

    def __init__(self, *args: Any, most: int = 1, left: int | None = None, **options: Any) -> None:
        super().__init__(*args, **options)
        if most > 1:
            self.fields["persons"] = forms.IntegerField(
                label=_("Persons"),
                min_value=1,
                max_value=most,
                initial=1,
                help_text="" if left is None else ngettext("%(left)s place is left.", "%(left)s places are left.", left) % {"left": left},
                widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
                error_messages={"required": _("Please say how many of you come."), "invalid": _("Please enter a number.")},
            )
            self.order_fields(["first_name", "last_name", "email", "phone", "persons", "notes"])

    def clean_notes(self) -> str:
        return str(self.cleaned_data["notes"]).replace("\r\n", "\n").replace("\r", "\n")


class OwnDataForm(forms.Form):
    """What customers may correct of themselves."""

    first_name = BookingForm.base_fields["first_name"]
    last_name = BookingForm.base_fields["last_name"]
    phone = BookingForm.base_fields["phone"]


class WaitingForm(BookingForm):
    """Who waits, and for which days."""

    first_day = forms.DateField(label=_("From"), widget=DayInput, error_messages={"required": _("Please choose a day."), "invalid": _("Please choose a day.")})
    last_day = forms.DateField(label=_("Until"), widget=DayInput, error_messages={"required": _("Please choose a day."), "invalid": _("Please choose a day.")})

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        del self.fields["notes"]
        self.fields["email"].help_text = _("We write there when something is free.")

    def clean(self) -> dict[str, Any]:
        typed: dict[str, Any] = super().clean() or self.cleaned_data
        if typed.get("first_day") and typed.get("last_day") and typed["last_day"] < typed["first_day"]:
            self.add_error("last_day", _("The last day must not be before the first."))
        return typed


class RegistrationForm(BookingForm):
    """Who comes to an event, and with how many. `most`: places that one registration may have now."""

    places = forms.IntegerField(
        label=_("Places"),
        min_value=1,
        initial=1,
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
        error_messages={"required": _("Please say how many of you come."), "invalid": _("Please enter a number.")},
    )

    def __init__(self, *args: Any, most: int, **options: Any) -> None:
        super().__init__(*args, **options)
        # A browser helps with it; the action counts.
        self.fields["places"].widget.attrs["max"] = max(1, most)
        self.fields["email"].help_text = _("The confirmation is sent there, with a link to cancel.")
        self.order_fields(["first_name", "last_name", "email", "phone", "places", "notes"])


class MoveForm(forms.Form):
    """A time that is typed, for an appointment that is to be moved: naive, by the clock on the employee's wall."""

    at = WallTime(label=_("At another time"), help_text=_("By the clock where the employee works."))


class WhyForm(forms.Form):
    """The question why a time is (not) free. The time is by the clock on the employee's wall: naive, as typed."""

    service = forms.ModelChoiceField(label=_("Service"), queryset=Service.objects.none(), empty_label=None)
    employee = forms.ModelChoiceField(label=_("Employee"), queryset=Employee.objects.none(), empty_label=None)
    at = WallTime(label=_("Time"), help_text=_("By the clock where the employee works."))

    def __init__(self, data: object, *, services: QuerySet[Service], employees: QuerySet[Employee], **options: object) -> None:
        super().__init__(data, **options)  # type: ignore[arg-type]
        cast(forms.ModelChoiceField, self.fields["service"]).queryset = services
        cast(forms.ModelChoiceField, self.fields["employee"]).queryset = employees
