"""Fields that refuse what would be guessed at otherwise."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from booking.models.calendar import timezones

# Line ends and other control characters, with those that only Unicode takes for line ends.
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
NOT_IN_NOTES = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029]")
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
# Far enough for anybody's appointment, and arithmetic around it never leaves what datetime can hold.
YEARS = range(1970, 2200)
BIGGEST_ID = 2**63 - 1


class IdField(serializers.IntegerField):
    def __init__(self, **options: Any) -> None:
        super().__init__(min_value=1, max_value=BIGGEST_ID, **options)

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, (bool, float)):  # 1.0 and true would pass as 1
            self.fail("invalid")
        return super().to_internal_value(data)


@extend_schema_field(OpenApiTypes.DATETIME)
class InstantField(serializers.Field[datetime, str, str, Any]):
    """An ISO 8601 date and time with its offset, as an aware UTC instant. Without an offset nobody knows which instant is meant."""

    default_error_messages = {
        "invalid": _("This is not a date and time. Write it like 2027-03-01T09:00:00+01:00."),
        "naive": _("The offset from UTC is missing. Write the time like 2027-03-01T09:00:00+01:00."),
        "range": _("This year can't be booked."),
    }

    def to_internal_value(self, data: Any) -> datetime:
        if not isinstance(data, str) or len(data) > 40:
            self.fail("invalid")
        try:
            value = datetime.fromisoformat(data)
        except ValueError:
            self.fail("invalid")
        if value.tzinfo is None:
            self.fail("naive")
        if value.year not in YEARS:
            self.fail("range")
        return value.astimezone(UTC)

    def to_representation(self, value: datetime) -> str:
        return value.isoformat()


@extend_schema_field(OpenApiTypes.DATE)
class DayField(serializers.Field[date, str, str, Any]):
    """A day as YYYY-MM-DD."""

    default_error_messages = {
        "invalid": _("This is not a date. Write it like 2027-03-01."),
        "range": _("This year can't be booked."),
    }

    def to_internal_value(self, data: Any) -> date:
        if not isinstance(data, str) or not DAY.fullmatch(data):
            self.fail("invalid")
        try:
            value = date.fromisoformat(data)
        except ValueError:
            self.fail("invalid")
        if value.year not in YEARS:
            self.fail("range")
        return value

    def to_representation(self, value: date) -> str:
        return value.isoformat()


@extend_schema_field(OpenApiTypes.STR)
class TimeZoneField(serializers.Field[ZoneInfo, str, str, Any]):
    """An IANA name, as ZoneInfo."""

    default_error_messages = {"invalid": _("“{name}” is not a time zone; use a name like Europe/Berlin.")}

    def to_internal_value(self, data: Any) -> ZoneInfo:
        if not isinstance(data, str) or data not in timezones():
            self.fail("invalid", name=str(data)[:64])
        return ZoneInfo(data)

    def to_representation(self, value: ZoneInfo) -> str:
        return value.key


class LineField(serializers.CharField):
    """One line of text: goes into mail headers and calendar entries, where a line end would begin something new."""

    default_error_messages = {"control": _("Line breaks and control characters are not allowed here.")}
    refused = CONTROL

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if self.refused.search(text):
            self.fail("control")
        return text


class TextField(LineField):
    """Several lines of text."""

    default_error_messages = {"control": _("Control characters are not allowed here.")}
    refused = NOT_IN_NOTES

    def to_internal_value(self, data: Any) -> str:
        return super().to_internal_value(data.replace("\r\n", "\n").replace("\r", "\n") if isinstance(data, str) else data)
