"""Time zone names as calendars spell them: mapped, read from the VTIMEZONE, or refused; never UTC."""

# ruff: noqa: DTZ001 - wall times

from __future__ import annotations

import time
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, available_timezones

import pytest

from booking.ical import IcalError
from booking.ical.vtimezone import vtimezone
from integrations.wire.zones import resolve

pytestmark = pytest.mark.pure

WHEN = datetime(2031, 7, 1, 12)


@pytest.mark.parametrize(
    ("tzid", "zone"),
    [
        ("Europe/Berlin", "Europe/Berlin"), (" Europe/Berlin  ", "Europe/Berlin"), ('"Europe/Berlin"', "Europe/Berlin"), ("europe/berlin", "Europe/Berlin"),
        ("W. Europe Standard Time", "Europe/Berlin"), ("GMT Standard Time", "Europe/London"), ("GMT Standard Time 1", "Europe/London"), ("w.  europe standard time ", "Europe/Berlin"),
        ("/freeassociation.sourceforge.net/Europe/Berlin", "Europe/Berlin"), ("/mozilla.org/20050126_1/America/Argentina/Buenos_Aires", "America/Argentina/Buenos_Aires"),
        ("Eastern Standard Time", "America/New_York"), ("India Standard Time", "Asia/Calcutta"), ("UTC", "UTC"), ("Z", "UTC"), ("tzone://Microsoft/Utc", "UTC"),
    ],
)  # fmt: skip
def test_a_name_is_read_as_it_is_meant(tzid: str, zone: str) -> None:
    assert resolve(tzid).utcoffset(WHEN) == ZoneInfo(zone).utcoffset(WHEN)


@pytest.mark.parametrize("tzid", ["Nowhere/Atlantis", "", "Customized Time Zone", "Berlin, Bern, Rom", "../../etc/passwd", "x" * 5000])
def test_an_unknown_name_is_refused(tzid: str) -> None:
    with pytest.raises(IcalError):
        resolve(tzid)


@pytest.mark.parametrize(
    "name", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "America/Sao_Paulo", "Africa/Casablanca", "Asia/Tehran"]
)
def test_an_unknown_name_with_rules_is_the_zone_of_those_rules(name: str) -> None:
    text = "\r\n".join(vtimezone(name, 2020)).replace(f"TZID:{name}", "TZID:(UTC+01:00) Somewhere") + "\r\n"
    zone = resolve("(UTC+01:00) Somewhere", text)
    for month in range(1, 13):
        for day in (1, 10, 28):
            assert zone.utcoffset(datetime(2031, month, day, 12)) == ZoneInfo(name).utcoffset(datetime(2031, month, day, 12))


def test_rules_of_no_known_zone_are_kept_as_they_are() -> None:
    text = "BEGIN:VTIMEZONE\r\nTZID:Odd\r\nBEGIN:STANDARD\r\nDTSTART:20000101T000000\r\nTZOFFSETFROM:+0123\r\nTZOFFSETTO:+0123\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
    zone = resolve("Odd", text)
    assert datetime(2031, 1, 1, 12, tzinfo=zone).astimezone(UTC) == datetime(2031, 1, 1, 10, 37, tzinfo=UTC)


@pytest.mark.parametrize(
    "rule",
    ["RRULE:FREQ=SECONDLY", "RRULE:FREQ=YEARLY;BYSECOND=0,1", "RRULE:FREQ=YEARLY;INTERVAL=0", "RRULE:FREQ=YEARLY;BYMONTH=99", "RRULE:nonsense", "X" * 30_000],
)
def test_hostile_rules_are_refused_quickly(rule: str) -> None:
    text = f"BEGIN:VTIMEZONE\r\nTZID:Bad\r\nBEGIN:STANDARD\r\nDTSTART:00010101T000000\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0200\r\n{rule}\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
    begin = time.process_time()
    with pytest.raises(IcalError):
        resolve("Bad", text)
    assert time.process_time() - begin < 1


def test_what_we_write_about_every_zone_says_what_the_zone_says() -> None:
    """icalendar reads our VTIMEZONE; offsets on 24 days of two years are those of the zone."""
    from icalendar import Timezone

    for name in sorted(available_timezones())[::12]:
        text = "\r\n".join(vtimezone(name, 2026)) + "\r\n"
        component = Timezone.from_ical(text)
        assert isinstance(component, Timezone)
        zone = component.to_tz(lookup_tzid=False)
        for month in range(1, 13):
            for day in (5, 20):
                when = datetime(2027, month, day, 12)
                assert zone.utcoffset(when) == ZoneInfo(name).utcoffset(when), (name, when)
