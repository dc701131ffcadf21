"""The time zone a visitor's times are shown in, and times in addresses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import HttpRequest

from booking.api.fields import YEARS
from booking.models.calendar import timezones

COOKIE = "timezone"


@dataclass(frozen=True, slots=True)
class Zone:
    """`guessed`: nobody has said so, neither the address nor the browser; it is the shop's."""

    info: ZoneInfo
    guessed: bool

    @property
    def name(self) -> str:
        return self.info.key


def zone_of(request: HttpRequest) -> Zone:
    """The one in the address, else what the browser told (a cookie set by kalends.js), else the shop's."""
    for name in (request.GET.get("timezone", ""), request.COOKIES.get(COOKIE, "").replace("%2F", "/")):
        if name in timezones():
            return Zone(ZoneInfo(name), guessed=False)
    return Zone(ZoneInfo(settings.TIME_ZONE), guessed=True)


def choices() -> list[str]:
    """Names a person would look for: Area/Place, and UTC."""
    areas = ("Africa/", "America/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Indian/", "Pacific/")
    return sorted(name for name in timezones() if name == "UTC" or name.startswith(areas))


def read_day(text: str | None) -> date | None:
    """YYYY-MM-DD, or YYYY-MM for its first day; None when it is neither or too far away."""
    text = text or ""
    try:
        day = date.fromisoformat(f"{text}-01" if len(text) == 7 else text)
    except ValueError:
        return None
    return day if day.year in YEARS else None


def read_instant(text: str | None) -> datetime | None:
    """An ISO 8601 instant with offset, in UTC; None when it is not one."""
    try:
        value = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return value.astimezone(UTC) if value.tzinfo is not None and value.year in YEARS else None


def write_instant(instant: datetime) -> str:
    """Short enough for an address: 2027-03-01T09:00:00Z."""
    return instant.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
