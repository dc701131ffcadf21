"""PURE: writes, reads and carefully rewrites iCalendar events (RFC 5545) for mails, feeds and CalDAV. No ORM."""

from booking.ical.contentline import IcalError
from booking.ical.entry import PROPERTIES, Entry, Problem
from booking.ical.reading import read
from booking.ical.rewriting import instances, rewrite
from booking.ical.writing import write

__all__ = ["PROPERTIES", "Entry", "IcalError", "Problem", "instances", "read", "rewrite", "write"]
