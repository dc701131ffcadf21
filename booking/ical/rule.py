"""PURE: an RRULE (RFC 5545 §3.3.10) in wall time, daily and rarer. It visits each day of its span at most once."""

from __future__ import annotations

import re
from calendar import isleap, monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from booking.ical.contentline import IcalError, Line, moment

DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
MAX_DAYS = 75_000  # visited for one rule: 200 years. A rule with COUNT must be followed from its first day on
MAX_TEXT = 4_000  # characters of a rule
MAX_TIMES = 48  # on one day

Numbers = frozenset[int]
_LIMITS = {"BYMONTH": (1, 12), "BYMONTHDAY": (1, 31), "BYYEARDAY": (1, 366), "BYWEEKNO": (1, 53), "BYSETPOS": (1, 366), "BYHOUR": (0, 23), "BYMINUTE": (0, 59)}
_LIMITS["BYSECOND"] = (0, 60)


@dataclass(frozen=True, slots=True)
class Rule:
    frequency: str
    interval: int
    count: int | None
    until: datetime | date | None
    by: dict[str, Numbers]
    weekdays: frozenset[tuple[int, int]]  # (ordinal or 0, weekday)
    week_start: int
    zone: tzinfo

    @classmethod
    def read(cls, text: str, zone: tzinfo) -> Rule:
        """Raises IcalError for what is not a rule, repeats more often than daily, or could never be worked through."""
        if len(text) > MAX_TEXT:
            raise IcalError("The series has a rule that can't be read.")
        parts = dict(part.upper().partition("=")[::2] for part in text.strip().strip(";").split(";"))
        frequency = parts.pop("FREQ", "")
        if frequency not in ("DAILY", "WEEKLY", "MONTHLY", "YEARLY"):
            raise IcalError("The series repeats more often than daily or has no frequency.")
        interval, count = _number(parts.pop("INTERVAL", "1")), parts.pop("COUNT", None)
        if interval < 1 or (count is not None and _number(count) < 1):
            raise IcalError("The series has a rule that can't be read.")
        until = parts.pop("UNTIL", None)
        week_start = parts.pop("WKST", "MO")
        # An ordinal means something in a month or year only (RFC 5545 §3.3.10).
        plain = frequency in ("DAILY", "WEEKLY") or "BYWEEKNO" in parts
        found = {_weekday(part) for part in parts.pop("BYDAY", "").split(",") if part}
        weekdays = frozenset((0 if plain else ordinal, weekday) for ordinal, weekday in found)
        by = {name: _numbers(name, value) for name, value in parts.items() if not name.startswith("X-")}
        if week_start not in DAYS:
            raise IcalError("The series has a rule that can't be read.")
        end = moment(Line("UNTIL", until), lambda _: zone, zone) if until else None
        return cls(frequency, interval, _number(count) if count else None, end, by, weekdays, DAYS.index(week_start), zone)

    def starts(self, first: datetime, reach: datetime, until: datetime) -> Iterator[datetime]:
        """Naive wall times from `first` on, those between `reach` and `until`; `first` itself always belongs to the series."""
        times = self._times(first)
        count, days = 0, 0
        begin = first if self.count else max(first, reach)
        if first >= reach or self.count:
            count = 1
            if reach <= first <= until:
                yield first
        for period in self._periods(first.date(), begin.date(), until.date()):
            days += len(period) * len(times)
            if days > MAX_DAYS:
                raise IcalError("The series is too long to be worked through.")
            found = [datetime.combine(day, at) for day in period if self._fits(day, first.date()) for at in times]
            if positions := self.by.get("BYSETPOS"):
                found = [one for number, one in enumerate(found, 1) if number in positions or number - len(found) - 1 in positions]
            for one in found:
                if one <= first:
                    continue
                if one > until or self._over(one) or (self.count and count >= self.count):
                    return
                count += 1
                if one >= reach:
                    yield one

    def _over(self, one: datetime) -> bool:
        if self.until is None:
            return False
        if not isinstance(self.until, datetime):
            return one.date() > self.until
        return one.replace(tzinfo=self.zone).astimezone(UTC) > self.until.astimezone(UTC)

    def _times(self, first: datetime) -> list[time]:
        hours, minutes = self.by.get("BYHOUR", {first.hour}), self.by.get("BYMINUTE", {first.minute})
        seconds = {min(59, second) for second in self.by.get("BYSECOND", {first.second})}
        if len(hours) * len(minutes) * len(seconds) > MAX_TIMES:
            raise IcalError("The series repeats too often within a day.")
        return [time(hour, minute, second) for hour in sorted(hours) for minute in sorted(minutes) for second in sorted(seconds)]

    def _periods(self, first: date, begin: date, until: date) -> Iterator[list[date]]:
        """The days of each year, month, week or day the rule speaks of, from the one before `begin` on."""
        step = self.interval
        if self.frequency in ("DAILY", "WEEKLY"):
            length = 7 if self.frequency == "WEEKLY" else 1
            start = first - timedelta(days=(first.weekday() - self.week_start) % 7 if length == 7 else 0)
            number = max(0, (begin - start).days // (length * step) - 1)
            while (number * length * step) <= (until - start).days:
                day = start + timedelta(days=number * length * step)
                yield [day + timedelta(days=offset) for offset in range(length)]
                number += 1
            return
        months = 12 if self.frequency == "YEARLY" else 1
        origin = first.year * 12 + (first.month - 1 if months == 1 else 0)
        number = max(0, (begin.year * 12 + begin.month - 1 - origin) // (months * step) - 1)
        while origin + number * months * step <= until.year * 12 + until.month - 1:
            year, month = divmod(origin + number * months * step, 12)
            day = date(year, month + 1, 1)
            length = monthrange(year, month + 1)[1] if months == 1 else 365 + isleap(year)
            yield [day + timedelta(days=offset) for offset in range(length)]
            number += 1

    def _fits(self, day: date, first: date) -> bool:
        by = self.by
        if "BYMONTH" in by and day.month not in by["BYMONTH"]:
            return False
        of_month, of_year = monthrange(day.year, day.month)[1], 365 + isleap(day.year)
        yearday = day.timetuple().tm_yday
        if "BYMONTHDAY" in by and not by["BYMONTHDAY"] & {day.day, day.day - of_month - 1}:
            return False
        if "BYYEARDAY" in by and not by["BYYEARDAY"] & {yearday, yearday - of_year - 1}:
            return False
        if "BYWEEKNO" in by and not by["BYWEEKNO"] & set(_week(day, self.week_start)):
            return False
        if self.weekdays and not self._on_weekday(day, of_month, of_year, yearday):
            return False
        if self.weekdays or by.keys() & {"BYMONTHDAY", "BYYEARDAY", "BYWEEKNO"}:
            return True
        if self.frequency == "WEEKLY":
            return day.weekday() == first.weekday()
        if self.frequency == "YEARLY" and "BYMONTH" not in by and day.month != first.month:
            return False
        return self.frequency == "DAILY" or day.day == first.day

    def _on_weekday(self, day: date, of_month: int, of_year: int, yearday: int) -> bool:
        within_month = self.frequency == "MONTHLY" or (self.frequency == "YEARLY" and "BYMONTH" in self.by)
        place, size = (day.day, of_month) if within_month else (yearday, of_year)
        forward, backward = (place - 1) // 7 + 1, -((size - place) // 7 + 1)
        return not self.weekdays.isdisjoint((ordinal, day.weekday()) for ordinal in (0, forward, backward))


def _week(day: date, week_start: int) -> tuple[int, int]:
    """The week's number in its year, from the front and from the back; week 1 is the first with four days (RFC 5545 §3.3.10)."""
    middle = day + timedelta(days=3 - (day.weekday() - week_start) % 7)
    number = (middle.timetuple().tm_yday - 1) // 7 + 1
    weeks = number + (date(middle.year, 12, 31) - middle).days // 7
    return number, number - weeks - 1


def _number(text: str) -> int:
    if not re.fullmatch(r"[+-]?\d{1,6}", text):
        raise IcalError("The series has a rule that can't be read.")
    return int(text)


def _numbers(name: str, text: str) -> Numbers:
    low, high = _LIMITS.get(name, (1, 0))
    found = frozenset(_number(part) for part in text.split(","))
    if not all(low <= abs(number) <= high and (number >= 0 or low == 1) for number in found):
        raise IcalError("The series has a rule that can't be read.")
    return found


def _weekday(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)", text.strip())
    if not found or (found[1] and not 1 <= abs(int(found[1])) <= 53):
        raise IcalError("The series has a rule that can't be read.")
    return int(found[1] or 0), DAYS.index(found[2])
