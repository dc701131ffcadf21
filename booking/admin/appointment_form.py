"""Forms that change appointments by actions.

An action can refuse (SlotTaken, WrongState …), and only a form can show that with all that was typed still there: so it runs as the last
step of validating, inside the transaction that the admin opens for each POST.
"""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.admin.widgets import AdminSplitDateTime, AutocompleteSelect
from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from booking.actions import appointments
from booking.actions.customers import Guest
from booking.actions.extras import Chosen
from booking.actions.place import place
from booking.errors import BookingError, SlotTaken
from booking.models import Appointment, Attendance, Customer, Employee, Extra, Location, Service, Status
from booking.models.calendar import check_timezone

DECISIONS = {"approve": gettext_lazy("approve"), "reject": gettext_lazy("reject"), "cancel": gettext_lazy("cancel"), "reinstate": gettext_lazy("put back")}
ALLOWED = {
    Status.PENDING: ["approve", "reject", "cancel"],
    Status.APPROVED: ["cancel"],
    Status.CANCELLED: ["reinstate"],
    Status.REJECTED: ["reinstate"],
}
REASON = "admin"


class ActionForm(forms.ModelForm):
    """Calls `act` once everything typed is valid; what it refuses becomes the form's error."""

    def full_clean(self) -> None:
        super().full_clean()
        if not self.is_bound or self.errors:
            return
        try:
            with transaction.atomic():
                self.act()
        except BookingError as error:
            self.add_error(None, in_words(error))

    def act(self) -> None:
        raise NotImplementedError


class ServicesExtras(forms.ModelMultipleChoiceField):
    def label_from_instance(self, extra: Extra) -> str:
        return f"{extra.service}: {extra}"


class BookForm(ActionForm):
    """A new appointment at a time that is offered."""

    employee = forms.ModelChoiceField(
        Employee.objects.filter(is_active=True), required=False, label=gettext_lazy("employee"), empty_label=gettext_lazy("anyone")
    )
    location = forms.ModelChoiceField(
        Location.objects.all(), required=False, label=gettext_lazy("location"), empty_label=gettext_lazy("where the employee works then")
    )
    customer = forms.ModelChoiceField(
        Customer.objects.all(),
        label=gettext_lazy("customer"),
        widget=AutocompleteSelect(Attendance._meta.get_field("customer"), admin.site),
    )
    extras = ServicesExtras(
        Extra.objects.filter(is_active=True).select_related("service"),
        required=False,
        label=gettext_lazy("extras"),
        help_text=gettext_lazy("One of each, and only of the service that is booked."),
    )
    persons = forms.IntegerField(label=gettext_lazy("persons"), min_value=1, initial=1, required=False)
    notes = forms.CharField(label=gettext_lazy("customer's notes"), required=False, max_length=2000, widget=forms.Textarea)
    language = forms.ChoiceField(label=gettext_lazy("language"), choices=settings.LANGUAGES, initial=settings.LANGUAGE_CODE)
    timezone = forms.CharField(label=gettext_lazy("time zone"), max_length=64, initial=settings.TIME_ZONE, validators=[check_timezone])

    class Meta:
        model = Appointment
        fields = ["service", "start"]

    def clean(self) -> dict[str, Any]:
        typed: dict[str, Any] = super().clean() or self.cleaned_data
        service: Service | None = typed.get("service")
        employee: Employee | None = typed.get("employee")
        if service and employee and not service.employees.filter(pk=employee.pk).exists():
            self.add_error("employee", _("This employee does not offer the service."))
        location: Location | None = typed.get("location")
        if service and location and service.locations.exists() and not service.locations.filter(pk=location.pk).exists():
            self.add_error("location", _("The service isn't offered there."))
        if service and any(extra.service_id != service.pk for extra in typed.get("extras", ())):
            self.add_error("extras", _("This belongs to another service."))
        return typed

    def _post_clean(self) -> None:
        """The action makes and checks the row: there is none yet that could be checked."""

    def act(self) -> None:
        typed = self.cleaned_data
        customer: Customer = typed["customer"]
        guest = Guest(
            first_name=customer.first_name,
            last_name=customer.last_name,
            email=customer.email,
            phone=customer.phone,
            language=typed["language"],
            timezone=typed["timezone"],
        )
        booked = appointments.book(
            service=typed["service"],
            start=typed["start"],
            guest=guest,
            now=timezone.now(),
            employee=typed["employee"],
            notes=typed["notes"],
            location=typed["location"],
            chosen=[Chosen(extra, 1) for extra in typed["extras"]],
            persons=typed["persons"] or 1,
        )
        self.instance = booked.appointment


class ChangeForm(ActionForm):
    """Changes an appointment, or takes it back to a version: whatever differs from the present is done by the action for it."""

    employee = forms.ModelChoiceField(Employee.objects.all(), label=gettext_lazy("employee"), help_text=gettext_lazy("The organiser, if several serve it."))
    others = forms.ModelMultipleChoiceField(Employee.objects.all(), required=False, label=gettext_lazy("together with"))
    decision = forms.ChoiceField(label=gettext_lazy("decision"), required=False)
    # What the page showed: whoever saves an old page must not undo what happened meanwhile.
    seen = forms.CharField(widget=forms.HiddenInput)

    class Meta:
        model = Appointment
        fields = ["start", "end", "location", "internal_note", "sync_enabled"]
        widgets = {"start": AdminSplitDateTime, "end": AdminSplitDateTime}

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        # The instance may be a version of the past: its status is what is to be had again.
        self.wanted_status = self.instance.status
        self.present = Appointment.objects.filter(pk=self.instance.pk).first()
        if self.present is None or "seen" not in self.fields:  # deleted, or shown to somebody who may only look
            return
        served_by = [one.employee_id for one in self.present.staffings.order_by("pk")]
        self.fields["employee"].initial, self.fields["others"].initial = served_by[0] if served_by else None, served_by[1:]
        self.fields["seen"].initial = state(self.present)
        choices = [("", "—"), *((name, DECISIONS[name]) for name in ALLOWED[Status(self.present.status)])]
        self.fields["decision"].choices = choices  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        typed: dict[str, Any] = super().clean() or self.cleaned_data
        if self.present is None or typed.get("seen") != state(self.present):
            raise forms.ValidationError(
                _("Somebody has changed this appointment meanwhile. Your changes are below; please look at it anew before you save them.")
            )
        if typed.get("start") and typed.get("end") and typed["end"] <= typed["start"]:
            self.add_error("end", _("The end must be after the start."))
        return typed

    def act(self) -> None:
        assert self.present is not None  # clean() has seen to it
        typed, present, now = self.cleaned_data, self.present, timezone.now()
        wanted = self.wanted_status if self.wanted_status != present.status else typed["decision"]
        if wanted in ("reinstate", Status.APPROVED, Status.PENDING) and not present.is_live:
            appointments.reinstate(appointment=present, now=now, reason=REASON)
        if wanted == "approve" or (wanted == Status.APPROVED and present.status != Status.APPROVED):
            appointments.approve(appointment=present, now=now, reason=REASON)
        if wanted not in ("cancel", "reject", Status.CANCELLED, Status.REJECTED):
            place(appointment=present, employees=[typed["employee"], *typed["others"]], start=typed["start"], end=typed["end"], now=now, reason=REASON)
        values = {"location": typed["location"], "internal_note": typed["internal_note"], "sync_enabled": typed["sync_enabled"]}
        if changes := {name: value for name, value in values.items() if getattr(present, name) != value}:
            appointments.edit(appointment=present, changes=changes, reason=REASON)
        if wanted == "reject":
            appointments.reject(appointment=present, now=now, reason=REASON)
        elif wanted in ("cancel", Status.CANCELLED, Status.REJECTED):
            appointments.cancel(appointment=present, now=now, reason=REASON)
        self.instance.refresh_from_db()


def state(appointment: Appointment) -> str:
    """Tells apart any two states that a person may have looked at."""
    version = appointment.history.values_list("pk", flat=True).first()
    staff = list(appointment.staffings.order_by("pk").values_list("employee_id", flat=True))
    return f"{appointment.pk}:{version}:{staff}"


def in_words(error: BookingError) -> str:
    """The error, and which times are free instead."""
    if not isinstance(error, SlotTaken) or not error.slots:
        return str(error)
    zone = ZoneInfo(settings.TIME_ZONE)
    times = dict.fromkeys(date_format(slot.start.astimezone(zone), "SHORT_DATETIME_FORMAT") for slot in error.slots)
    return _("%(error)s Free times near it: %(times)s.") % {"error": error, "times": ", ".join(times)}
