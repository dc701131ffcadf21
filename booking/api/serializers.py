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
from booking.api.options import extras_wished, given
from booking.availability.groups import too_many
from booking.models import Category, CustomField, Employee, Event, EventPeriod, Extra, Location, Offer, Registration, Service, Status
from booking.models.quick import select

LONGEST_RANGE = 62  # days
# Each request for slots and each booking begins with these. Django takes longer to put such a statement together than the server to answer it.
# It knows whether there are questions, so that a plain booking asks no further for them.
SERVICE = """
SELECT s.*, EXISTS (
    SELECT 1 FROM booking_customfield f LEFT JOIN booking_customfield_services o ON o.customfield_id = f.id
    WHERE f.is_active AND (o.service_id IS NULL OR o.service_id = s.id)
) AS has_fields
FROM booking_service s WHERE s.id = %s AND s.is_active
"""
EMPLOYEE = "id = %s AND is_active AND id IN (SELECT employee_id FROM booking_service_employees WHERE service_id = %s)"
LOCATION = "id = %s AND id IN (SELECT location_id FROM booking_service_locations WHERE service_id = %s)"


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
    """A service by id and, if they are wished, an employee who offers it and one of its locations. Puts the rows in place of the ids."""

    service = IdField(help_text="Id of a service.")
    employee = IdField(required=False, allow_null=True, help_text="Id of an employee; without it anyone who is free.")
    location = IdField(required=False, allow_null=True, help_text="Id of one of the service's locations; without it wherever the employee is.")
    persons = IdField(required=False, default=1, help_text="How many come; more than one only to a service with several places.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        service = next(iter(Service.objects.raw(SERVICE, [attrs["service"]])), None)
        if service is None:
            raise serializers.ValidationError({"service": [_("There is no such service.")]})
        if attrs["persons"] > service.max_capacity:
            raise serializers.ValidationError({"persons": [too_many(service)]})
        employee = None
        if attrs.get("employee") is not None:
            employee = next(iter(select(Employee, EMPLOYEE, attrs["employee"], service.pk)), None)
            if employee is None:
                raise serializers.ValidationError({"employee": [_("This employee does not offer the service.")]})
        location = None
        if attrs.get("location") is not None:
            location = next(iter(select(Location, LOCATION, attrs["location"], service.pk)), None)
            if location is None:
                raise serializers.ValidationError({"location": [_("The service isn't offered there.")]})
        return {**attrs, "service": service, "employee": employee, "location": location}


class NextQuery(ServiceChoice):
    """Also `extra_<id>` for each extra: how many of it. The slots are then as much longer."""

    timezone = TimeZoneField(required=False, help_text="IANA name; times are given in it.")

    def to_internal_value(self, data: Any) -> Any:
        wished = {name.removeprefix("extra_"): value for name, value in data.items() if name.startswith("extra_")}
        return {**super().to_internal_value(data), "extras": wished}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs.setdefault("timezone", ZoneInfo(settings.TIME_ZONE))
        attrs = super().validate(attrs)
        return {**attrs, "extras": extras_wished(attrs["service"], attrs["extras"])}


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
    """All that a customer decides: price, length, status and owner follow from service, employee and extras."""

    start = InstantField(help_text="ISO 8601 with offset, a time that is offered.")
    customer = CustomerRequest()
    notes = TextField(max_length=2000, required=False, allow_blank=True, default="")
    timezone = TimeZoneField(required=False, help_text="IANA name; mails and the answer tell times in it.")
    extras = serializers.DictField(child=serializers.IntegerField(), required=False, default=dict, help_text="Id of an extra -> how many of it.")
    answers = serializers.DictField(required=False, default=dict, help_text="Id of a field -> the answer; of a file the id that its upload gave.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)
        service = attrs["service"]
        return {**attrs, "extras": extras_wished(service, attrs["extras"]), "answers": given(service, attrs["answers"])}


class SlotAnswer(serializers.Serializer[Any]):
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    employee = serializers.IntegerField()
    location = serializers.IntegerField(required=False, help_text="Where it takes place, if that is known.")
    unsure = serializers.BooleanField(required=False, help_text="True if busy times may be missing.")
    places_left = serializers.IntegerField(required=False, help_text="Of a service with several places.")


class SlotsAnswer(serializers.Serializer[Any]):
    slots = SlotAnswer(many=True)


class NextAnswer(serializers.Serializer[Any]):
    slot = SlotAnswer(allow_null=True)


class AppointmentAnswer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    status = serializers.ChoiceField(choices=Status.choices)
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    employee = serializers.IntegerField(help_text="Of several who serve it together the first.")
    location = serializers.IntegerField(allow_null=True)
    persons = serializers.IntegerField()
    price = serializers.DecimalField(max_digits=10, decimal_places=2)
    manage_url = serializers.URLField()


class UploadAnswer(serializers.Serializer[Any]):
    id = serializers.UUIDField(help_text="What a booking answers the question with; it is kept for a day.")
    name = serializers.CharField()
    size = serializers.IntegerField()


class Problem(serializers.Serializer[Any]):
    code = serializers.CharField()
    detail = serializers.CharField()


class SlotTakenAnswer(Problem):
    slots = SlotAnswer(many=True)


@extend_schema_field(OpenApiTypes.URI)
class PictureAddress(serializers.Field[Any, Any, Any, Any]):
    """Absolute; empty where there is no picture."""

    def __init__(self, **options: Any) -> None:
        super().__init__(read_only=True, **options)

    def to_representation(self, value: Any) -> str:
        return settings.SITE_URL.rstrip("/") + value.url if value else ""


class CategoryAnswer(serializers.ModelSerializer[Category]):
    picture = PictureAddress()

    class Meta:
        model = Category
        fields = ["id", "name", "color", "picture"]
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


class OfferAnswer(serializers.ModelSerializer[Offer]):
    """Somebody who does the service, with what it costs and takes then."""

    id = serializers.IntegerField(source="employee_id", read_only=True)
    name = serializers.CharField(source="employee.full_name", read_only=True, label=gettext_lazy("name"))
    description = serializers.CharField(source="employee.description", read_only=True)
    duration = serializers.IntegerField(source="its_duration", read_only=True)
    price = serializers.DecimalField(source="its_price", max_digits=10, decimal_places=2, read_only=True)

    class Meta:
        model = Offer
        fields = ["id", "name", "description", "duration", "price"]
        read_only_fields = fields


class ExtraAnswer(serializers.ModelSerializer[Extra]):
    """`duration` (minutes) and `price` are of one."""

    class Meta:
        model = Extra
        fields = ["id", "name", "description", "duration", "price", "max_quantity"]
        read_only_fields = fields


class FieldAnswer(serializers.ModelSerializer[CustomField]):
    """A question of the booking form. Choices are answered by their text, several by a list, a check box by true, a date by YYYY-MM-DD."""

    choices = serializers.ListField(source="options", child=serializers.CharField(), read_only=True)

    class Meta:
        model = CustomField
        fields = ["id", "label", "kind", "choices", "help", "required"]
        read_only_fields = fields


class ServiceAnswer(serializers.ModelSerializer[Service]):
    """Durations, buffers and notices are minutes, the horizon days."""

    category = CategoryAnswer(read_only=True)
    locations = LocationAnswer(many=True, read_only=True)
    picture = PictureAddress()
    employees = OfferAnswer(many=True, read_only=True, source="offering")
    extras = ExtraAnswer(many=True, read_only=True, source="addable")
    questions = serializers.SerializerMethodField()

    class Meta:
        model = Service
        fields = [
            "id", "name", "category", "locations", "description", "color", "picture", "duration", "price", "min_notice", "horizon",
            "reschedule_notice", "cancel_notice", "needs_approval", "min_capacity", "max_capacity", "collective", "employees", "extras", "questions",
        ]  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(FieldAnswer(many=True))
    def get_questions(self, service: Service) -> Any:
        asked = [one for one in self.context["questions"] if not one.only or service.pk in one.only]
        return FieldAnswer(asked, many=True).data


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
