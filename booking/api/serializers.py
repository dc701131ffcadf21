"""What the API takes and gives. Requests name every field they know; anything else is refused."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework import serializers

from booking.api.fields import DayField, IdField, InstantField, LineField, TextField, TimeZoneField
from booking.models import Category, Employee, Location, Service, Status

LONGEST_RANGE = 62  # days
# Each request for slots and each booking begins with these. Django takes longer to put such a statement together than the server to answer it.
SERVICE = "SELECT * FROM booking_service WHERE id = %s AND is_active"
EMPLOYEE = """
SELECT e.* FROM booking_employee e JOIN booking_service_employees s ON s.employee_id = e.id
WHERE s.service_id = %s AND e.id = %s AND e.is_active
"""


class Strict(serializers.Serializer[Any]):
    """Refuses fields it doesn't know: a misspelt `employee` must not quietly book with anyone."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict) and (unknown := [name for name in data if name not in self.fields]):
            raise serializers.ValidationError({str(name)[:64]: [_("This field is not known.")] for name in unknown[:20]})
        return super().to_internal_value(data)


class ServiceChoice(serializers.Serializer[Any]):
    """A service by id and, if one is wished, an employee who offers it. Puts the rows in place of the ids."""

    service = IdField(help_text="Id of a service.")
    employee = IdField(required=False, allow_null=True, help_text="Id of an employee; without it anyone who is free.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        service = next(iter(Service.objects.raw(SERVICE, [attrs["service"]])), None)
        if service is None:
            raise serializers.ValidationError({"service": [_("There is no such service.")]})
        employee = None
        if attrs.get("employee") is not None:
            employee = next(iter(Employee.objects.raw(EMPLOYEE, [service.pk, attrs["employee"]])), None)
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


class HealthAnswer(serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=["ok", "degraded"])
    checks = serializers.DictField(required=False, help_text="Only for staff who are signed in.")
