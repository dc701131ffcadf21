"""iCalendar: what is written can be read by others, what others wrote is read with patience, and a rewrite touches nothing else."""

# ruff: noqa: DTZ001 - wall times

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import icalendar
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from booking.ical import Entry, IcalError, Problem, read, rewrite, write

BERLIN = ZoneInfo("Europe/Berlin")
ENTRY = Entry(
    start=datetime(2031, 3, 3, 10, tzinfo=BERLIN),
    end=datetime(2031, 3, 3, 11, tzinfo=BERLIN),
    uid="one@kalends",
    summary="Haircut",
    timezone="Europe/Berlin",
    organizer=("Salon", "salon@example.com"),
    attendees=(("Ada", "ada@example.com", "required", "accepted"),),
)


def others(data: bytes) -> icalendar.Component:
    return icalendar.Calendar.from_ical(data)


@pytest.mark.parametrize(
    "text",
    ["\r\nEND:VEVENT\r\nBEGIN:VEVENT", "\nATTENDEE:mailto:evil@example.com", "\rORGANIZER:mailto:evil@example.com", "\u2028ATTENDEE:mailto:evil@example.com", "\u2029RRULE:FREQ=DAILY",
     "\x85X-A:1", "\x0bX:1", "\x00null", "a;b,c\\d\\n", '"quoted";CN=x:mailto:evil@example.com', "ü" * 400, "\ud800", "\x1cX:1"],
)  # fmt: skip
def test_no_text_of_a_guest_gets_out_of_its_place(text: str) -> None:
    entry = replace(
        ENTRY,
        summary=text,
        description=text,
        location=text,
        uid=f"u{text}",
        attendees=((text, "ada@example.com", "required", "accepted"),),
        organizer=(text, "s@example.com"),
        extra={"X-A": text},
    )
    data = write([entry], method="REQUEST")
    calendar = others(data)
    (event,) = calendar.walk("VEVENT")
    assert str(event["ORGANIZER"]) == "mailto:s@example.com"
    assert str(event["ATTENDEE"]) == "mailto:ada@example.com"
    assert "RRULE" not in event
    assert len(read(data)) == 1
    assert all(len(line) <= 75 for line in data.split(b"\r\n"))
    assert b"\n" not in data.replace(b"\r\n", b"")
    assert b"\r" not in data.replace(b"\r\n", b"")


@settings(max_examples=200, deadline=None)
@given(text=st.text(max_size=120))
def test_any_text_comes_back_as_it_was_but_for_line_ends_and_controls(text: str) -> None:
    data = write([replace(ENTRY, summary=text, description=text)])
    (entry,) = read(data)
    again = write([entry])
    assert read(again)[0].summary == entry.summary
    assert len(others(data).walk("VEVENT")) == 1
    if text.isprintable():
        assert entry.summary == text


@pytest.mark.parametrize(
    "broken",
    [
        {"attendees": (("A", "a@b\r\nX:1", "required", ""),)}, {"attendees": (("A", "no address", "required", ""),)}, {"organizer": ("A", "a@b;x")}, {"url": "javascript:alert(1)"},
        {"url": "https://x/\r\nX:1"}, {"recurrence": ("RRULE:FREQ=DAILY\r\nX:1",)}, {"recurrence": ("ATTENDEE:mailto:x@y",)}, {"extra": {"ATTENDEE": "x"}}, {"extra": {"X-A:1\r\nB": "x"}},
        {"status": "confirmed\r\nX:1"}, {"uid": ""},
    ],
)  # fmt: skip
def test_what_must_not_be_written_is_refused(broken: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        write([replace(ENTRY, **broken)])  # type: ignore[arg-type]


@pytest.mark.parametrize("method", ["REQUEST", "CANCEL", "PUBLISH"])
def test_a_mail_says_what_it_wants(method: str) -> None:
    assert others(write([ENTRY], method=method))["METHOD"] == method


def test_servers_are_told_not_to_mail_the_guests_only_when_asked() -> None:
    assert b"SCHEDULE-AGENT=CLIENT" not in write([ENTRY])
    assert b"SCHEDULE-AGENT=CLIENT" in write([replace(ENTRY, schedule_agent_client=True)]).replace(b"\r\n ", b"")


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"])
@settings(max_examples=25, deadline=None)
@given(start=st.datetimes(datetime(2024, 1, 1), datetime(2034, 1, 1)), minutes=st.integers(0, 3000))
def test_instants_and_zone_come_back_here_and_elsewhere(zone: str, start: datetime, minutes: int) -> None:
    begin = start.replace(microsecond=0, tzinfo=UTC)
    data = write([replace(ENTRY, start=begin, end=begin + timedelta(minutes=minutes), timezone=zone)])
    (entry,) = read(data)
    assert (entry.start.astimezone(UTC), entry.end.astimezone(UTC)) == (begin, begin + timedelta(minutes=minutes))  # type: ignore[union-attr]
    (event,) = others(data).walk("VEVENT")
    assert event.decoded("DTSTART").astimezone(UTC) == begin


def test_days_stay_days() -> None:
    (entry,) = read(write([replace(ENTRY, start=date(2031, 3, 3), end=date(2031, 3, 5))]))
    assert (entry.start, entry.end) == (date(2031, 3, 3), date(2031, 3, 5))


FOREIGN = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Other//EN
X-WR-CALNAME:Work
BEGIN:VTIMEZONE
TZID:Europe/Berlin
X-OWN:zone
END:VTIMEZONE
BEGIN:VEVENT
UID:one@there
DTSTAMP:20300101T000000Z
DTSTART;TZID=Europe/Berlin;X-P="a:b;c":20310303T100000
DURATION:PT1H
SUMMARY;LANGUAGE=de:Alt
DESCRIPTION:A long line that the other program has folded in its very own way
 , in the middle of a thought\\, with escapes
X-MEETING-LINK;VALUE=URI:https://meet.example.com/a;b?c=d
COLOR:turquoise
ATTENDEE;CN="Foreign; Guest";PARTSTAT=ACCEPTED:MAILTO:foreign@example.com
ATTENDEE;CN=Ours:mailto:ours@example.com
ORGANIZER:mailto:boss@example.com
SEQUENCE:4
BEGIN:VALARM
ACTION:DISPLAY
SUMMARY:of the alarm
DESCRIPTION:ring
TRIGGER:-PT10M
END:VALARM
END:VEVENT
END:VCALENDAR
""".replace("\n", "\r\n")


def without(data: bytes | str, *names: str) -> list[str]:
    text = data.decode() if isinstance(data, bytes) else data
    return [line for line in text.split("\r\n") if line.partition(":")[0].partition(";")[0] not in names]


@pytest.mark.parametrize(
    ("fields", "changes", "names"),
    [
        ({"summary"}, {"summary": "Neu"}, ("SUMMARY",)),
        ({"location"}, {"location": "Room"}, ("LOCATION",)),
        ({"start", "end"}, {"start": datetime(2031, 4, 1, 9, tzinfo=BERLIN), "end": datetime(2031, 4, 1, 10, tzinfo=BERLIN)}, ("DTSTART", "DTEND", "DURATION")),
        ({"private"}, {"private": True}, ("CLASS",)),
        ({"status", "transparent"}, {"transparent": True}, ("TRANSP", "STATUS")),
        ({"extra"}, {"extra": {"X-KALENDS-KEY": "k"}}, ("X-KALENDS-KEY",)),
    ],
)
def test_a_rewrite_touches_nothing_else(fields: set[str], changes: dict[str, object], names: tuple[str, ...]) -> None:
    entry = replace(ENTRY, attendees=(), organizer=None, **changes)  # type: ignore[arg-type]
    data = rewrite(FOREIGN, entry, fields)
    always = ("DTSTAMP", "LAST-MODIFIED")
    alarm = FOREIGN[FOREIGN.index("BEGIN:VALARM") :]
    assert data.decode().endswith(alarm)
    assert without(data.decode().removesuffix(alarm), *names, *always) == without(FOREIGN.removesuffix(alarm), *names, *always)
    (found,) = read(data)
    for name, value in changes.items():
        assert getattr(found, name) == value if name != "extra" else found.extra["X-KALENDS-KEY"] == "k"


def test_a_rewrite_takes_out_only_our_guests() -> None:
    data = rewrite(FOREIGN, replace(ENTRY, attendees=(("New", "new@example.com", "required", "needs-action"),)), {"attendees"}, ours=["ours@example.com"])
    assert [guest[1] for guest in read(data)[0].attendees] == ["foreign@example.com", "new@example.com"]
    assert b'ATTENDEE;CN="Foreign; Guest";PARTSTAT=ACCEPTED:MAILTO:foreign@example.com' in data
    assert data.count(b"ORGANIZER") == 1


def event(*lines: str) -> str:
    return "\r\n".join(["BEGIN:VCALENDAR", "BEGIN:VEVENT", "UID:x", *lines, "END:VEVENT", "END:VCALENDAR", ""])


@pytest.mark.parametrize(
    "lines",
    [
        (), ("DTSTART:nonsense",), ("DTSTART:20310230T100000Z",), ("DTSTART;TZID=Nowhere/Atlantis:20310303T100000",), ("DTSTART:20310303T100000Z", "DTEND:20310303T090000Z"),
        ("DTSTART:20310303T100000Z", "DTEND;VALUE=DATE:20310304"), ("DTSTART:20310303T100000Z", "DURATION:soon"), ("DTSTART:20310303T100000Z", "DURATION:P999999W"),
        ("DTSTART:20310303T100000Z", "RECURRENCE-ID;RANGE=THISANDFUTURE:20310303T100000Z"),
    ],
)  # fmt: skip
def test_a_broken_event_is_set_aside_and_the_others_are_read(lines: tuple[str, ...]) -> None:
    good = write([ENTRY]).decode()
    text = good.replace("BEGIN:VEVENT", event(*lines).partition("BEGIN:VCALENDAR\r\n")[2].replace("END:VCALENDAR\r\n", "") + "BEGIN:VEVENT")
    problems: list[Problem] = []
    assert [entry.uid for entry in read(text, problems=problems)] == ["one@kalends"]
    assert [problem.uid for problem in problems] == ["x"]
    with pytest.raises(IcalError):
        read(text)
    closed = problems[0].closed
    if any("2031030" in line for line in lines):
        assert closed
        assert closed[0] < datetime(2031, 3, 3, 10, tzinfo=UTC) < closed[1]


@pytest.mark.parametrize(
    ("lines", "hours"),
    [
        (("DTSTART:20310303T100000Z",), 0), (("DTSTART:20310303T100060Z", "DURATION:PT1H"), 1), (("DTSTART;VALUE=DATE:20310303",), 24), (("DTSTART;VALUE=DATE:20310303", "DTEND;VALUE=DATE:20310303"), 24),
        (("DTSTART:20310303T100000", "DTEND:20310303T120000"), 2), (("dtstart:20310303T100000Z", "dtend:20310303T1030Z"), 0.5), (("DTSTART:20310303T100000Z", "DURATION:P1DT2H"), 26),
    ],
)  # fmt: skip
def test_odd_but_clear_times_are_read(lines: tuple[str, ...], hours: float) -> None:
    (entry,) = read(event(*lines))
    assert (entry.end - entry.start).total_seconds() == hours * 3600  # type: ignore[operator]


@pytest.mark.parametrize("text", ["", "<html>", "BEGIN:VCARD\r\nEND:VCARD", "hello"])
def test_what_is_no_calendar_is_refused(text: str) -> None:
    with pytest.raises(IcalError):
        read(text)


def test_half_a_text_is_a_problem_not_an_event() -> None:
    problems: list[Problem] = []
    assert read(FOREIGN[: FOREIGN.index("BEGIN:VALARM")], problems=problems) == []
    assert problems[0].closed
