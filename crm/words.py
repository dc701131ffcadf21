"""How a meeting repeats, in words."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime

from django.utils.dates import WEEKDAYS
from django.utils.formats import date_format
from django.utils.text import get_text_list
from django.utils.timezone import get_current_timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from booking.ical.contentline import Line, moment
from booking.ical.rule import DAYS

PLAIN = {"FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "WKST"}


def repetition(rules: Sequence[str], exceptions: Collection[str] = ()) -> str:
    """ "every week on Monday, until 3/1/2027, 2 dates differ"; empty for what happens once."""
    if not rules:
        return ""
    said = [_one(rules[0]) if len(rules) == 1 and rules[0].upper().startswith("RRULE:") else _("by a rule of its own")]
    if exceptions:
        said.append(ngettext("%(count)s date differs", "%(count)s dates differ", len(exceptions)) % {"count": len(exceptions)})
    return ", ".join(said)


def _one(line: str) -> str:
    parts = parts_of(line)
    every = int(parts.get("INTERVAL", "1"))
    text = {
        "DAILY": ngettext("every day", "every %(count)s days", every),
        "WEEKLY": ngettext("every week", "every %(count)s weeks", every),
        "MONTHLY": ngettext("every month", "every %(count)s months", every),
        "YEARLY": ngettext("every year", "every %(count)s years", every),
    }[parts["FREQ"]] % {"count": every}
    days = parts.get("BYDAY", "").split(",") if "BYDAY" in parts else []
    if set(parts) - PLAIN or not all(day in DAYS for day in days):
        text = _("%(every)s by a rule of its own") % {"every": text}
    elif days:
        named = [str(WEEKDAYS[DAYS.index(day)]) for day in days]
        text = _("%(every)s on %(days)s") % {"every": text, "days": get_text_list(named, _("and"))}
    if "COUNT" in parts:
        count = int(parts["COUNT"])
        text += ", " + ngettext("%(count)s time", "%(count)s times", count) % {"count": count}
    if "UNTIL" in parts:
        text += ", " + _("until %(day)s") % {"day": date_format(last_day(parts["UNTIL"]), "SHORT_DATE_FORMAT")}
    return text


def parts_of(line: str) -> dict[str, str]:
    """{"FREQ": "WEEKLY", …} of an RRULE."""
    return dict(part.partition("=")[::2] for part in line.partition(":")[2].upper().strip(";").split(";"))


def last_day(until: str) -> date:
    """The day of an UNTIL, in the active time zone."""
    zone = get_current_timezone()
    found = moment(Line("UNTIL", until), lambda _: zone, zone)
    return found.astimezone(zone).date() if isinstance(found, datetime) else found
