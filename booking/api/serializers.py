"""What the API takes and gives. Requests name every field they know; anything else is refused."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from booking.api.fields import DayField, IdField, InstantField, LineField, TextField, TimeZoneField
from booking.models import Category, Employee, Event, EventPeriod, Location, Registration, Service, Status
from booking.models.quick import select

LONGEST_RANGE = 62  # days
# Each request for slots and each booking begins with these. Django takes longer to put such a statement together than the server to answer it.
SERVICE = "id = %s AND is_active"
EMPLOYEE = "id = %s AND is_active AND id IN (SELECT employee_id FROM booking_service_employees WHERE service_id = %s)"


class Asked(serializers.Serializer[Any]):
    """What a request says."""

    @classmethod
    def read(cls, data: Any) -> dict[str, Any]:
        """Its values; ValidationError where they can't be understood."""
        return dict(_one(cls, get_language()).run_validation(data))


@cache
def _one(kind: type[Asked], language: str | None) -> Asked:
    """One serializer for all requests of a language: making its fields takes longer than reading by them, and they keep nothing of a
    request. Of a language they do: the framework formats a message once."""
    return kind()


class Strict(Asked):
    """Refuses fields it doesn't know: a misspelt `employee` must not quietly book with anyone."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict) and (unknown := [name for name in data if name not in self.fields]):
            raise serializers.ValidationError({str(name)[:64]: [_("This field is not known.")] for name in unknown[:20]})
        return super().to_internal_value(data)


class ServiceChoice(Asked):
    """A service by id and, if one is wished, an employee who offers it. Puts the rows in place of the ids."""

    service = IdField(help_text="Id of a service.")
    employee = IdField(required=False, allow_null=True, help_text="Id of an employee; without it anyone who is free.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        service = next(iter(select(Service, SERVICE, attrs["service"])), None)
        if service is None:
            raise serializers.ValidationError({"service": [_("There is no such service.")]})
        employee = None
        if attrs.get("employee") is not None:
            employee = next(iter(select(Employee, EMPLOYEE, attrs["employee"], service.pk)), None)
            if employee is None:
                raise serializers.ValidationError({"employee": [_("This employee does not offer the service.")]})
        return {**attrs, "service": service, "employee": employee}


class NextQuery(ServiceChoice):
    timezone = TimeZoneField(required=False, help_text="IANA name; times are given in it.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs.setdefault("timezone", ZoneInfo(settings.TIME_ZONE))
        return super().validate(attrs)


class SlotsQuery(NextQuery):
    """`from` and `to` are days in `timezone`, both included."""

    to = DayField(help_text="Last day, YYYY-MM-DD; at most 62 days in all.")

    def get_fields(self) -> dict[str, Any]:
        # `from` is a word of the language.
        return {"from": DayField(help_text="First day, YYYY-MM-DD."), **super().get_fields()}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        first, last = attrs["from"], attrs["to"]
        if last < first:
            raise serializers.ValidationError({"to": [_("The last day must not be before the first.")]})
        if last - first >= timedelta(days=LONGEST_RANGE):
            raise serializers.ValidationError({"to": [_("At most %(days)d days can be asked for at once.") % {"days": LONGEST_RANGE}]})
        return super().validate(attrs)


class CustomerRequest(Strict):
    first_name = LineField(max_length=150)
    last_name = LineField(max_length=150, allow_blank=True)
    email = serializers.EmailField(max_length=254)
    phone = LineField(max_length=40, required=False, allow_blank=True, default="")


class AppointmentRequest(Strict, ServiceChoice):
    """All that a customer decides: price, length, status and owner follow from the service."""

    start = InstantField(help_text="ISO 8601 with offset, a time that is offered.")
    customer = CustomerRequest()
    notes = TextField(max_length=2000, required=False, allow_blank=True, default="")
    timezone = TimeZoneField(required=False, help_text="IANA name; mails and the answer tell times in it.")


class SlotAnswer(serializers.Serializer[Any]):
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    employee = serializers.IntegerField()
    unsure = serializers.BooleanField(required=False, help_text="True if busy times may be missing.")


class SlotsAnswer(serializers.Serializer[Any]):
    slots = SlotAnswer(many=True)


class NextAnswer(serializers.Serializer[Any]):
    slot = SlotAnswer(allow_null=True)


class AppointmentAnswer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    status = serializers.ChoiceField(choices=Status.choices)
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    employee = serializers.IntegerField()
    manage_url = serializers.URLField()


class Problem(serializers.Serializer[Any]):
    code = serializers.CharField()
    detail = serializers.CharField()


class SlotTakenAnswer(Problem):
    slots = SlotAnswer(many=True)


class CategoryAnswer(serializers.ModelSerializer[Category]):
    class Meta:
        model = Category
        fields = ["id", "name"]
        read_only_fields = fields


class LocationAnswer(serializers.ModelSerializer[Location]):
    class Meta:
        model = Location
        fields = ["id", "name", "address", "phone", "description"]
        read_only_fields = fields


class EmployeeAnswer(serializers.ModelSerializer[Employee]):
    """What anybody may know of somebody who works here."""

    name = serializers.CharField(source="full_name", read_only=True, label=gettext_lazy("name"))

    class Meta:
        model = Employee
        fields = ["id", "name", "description"]
        read_only_fields = fields


class ServiceAnswer(serializers.ModelSerializer[Service]):
    """Durations, buffers and notices are minutes, the horizon days."""

    category = CategoryAnswer(read_only=True)
    location = LocationAnswer(read_only=True)
    employees = EmployeeAnswer(many=True, read_only=True, source="offering")

    class Meta:
        model = Service
        fields = [
            "id", "name", "category", "location", "description", "color", "duration", "price", "min_notice", "horizon",
            "reschedule_notice", "cancel_notice", "needs_approval", "employees",
        ]  # fmt: skip
        read_only_fields = fields


class PeriodAnswer(serializers.ModelSerializer[EventPeriod]):
    class Meta:
        model = EventPeriod
        fields = ["start", "end", "is_cancelled"]
        read_only_fields = fields


class EventAnswer(serializers.ModelSerializer[Event]):
    """Times are told in the event's own `timezone`. `registration`: open, early (not yet), closed, over, or off when it doesn't take place."""

    location = LocationAnswer(read_only=True)
    organizer = EmployeeAnswer(read_only=True)
    staff = EmployeeAnswer(many=True, read_only=True)
    periods = serializers.SerializerMethodField()
    places_left = serializers.IntegerField(source="left", read_only=True)
    registration = serializers.SerializerMethodField()
    url = serializers.SerializerMethodField()

    class Meta:
        model = Event
        fields = [
            "id", "name", "slug", "url", "description", "location", "organizer", "staff", "timezone", "periods", "status", "capacity",
            "places_left", "places_each", "registration", "registration_opens", "registration_closes",
        ]  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(PeriodAnswer(many=True))
    def get_periods(self, event: Event) -> list[dict[str, Any]]:
        zone = event.zone
        return [
            {"start": one.start.astimezone(zone).isoformat(), "end": one.end.astimezone(zone).isoformat(), "is_cancelled": one.is_cancelled}
            for one in event.periods.all()
        ]

    @extend_schema_field(serializers.ChoiceField(choices=["open", "early", "closed", "over", "off"]))
    def get_registration(self, event: Event) -> str:
        return event.registration(timezone.now())

    @extend_schema_field(OpenApiTypes.URI)
    def get_url(self, event: Event) -> str:
        return settings.SITE_URL.rstrip("/") + reverse("booking:event", args=[event.slug])


class RegistrationRequest(Strict):
    """All that a customer decides. Write `places` as a whole number; without it one."""

    customer = CustomerRequest()
    places = IdField(required=False, default=1, help_text="How many come; at most the event's places_each.")
    notes = TextField(max_length=2000, required=False, allow_blank=True, default="")


class RegistrationAnswer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    status = serializers.ChoiceField(choices=Registration.Status.choices)
    event = serializers.IntegerField()
    places = serializers.IntegerField()
    manage_url = serializers.URLField()


class SoldOutAnswer(Problem):
    """Also for registration that is not open; then without `places_left`."""

    places_left = serializers.IntegerField(required=False)


class HealthAnswer(serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=["ok", "degraded"])
    checks = serializers.DictField(required=False, help_text="Only for staff who are signed in.")
