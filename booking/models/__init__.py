"""The shop's tables."""

from __future__ import annotations

from booking.models.appointment import Appointment, Attendance, Staffing, Status
from booking.models.calendar import Allocation, Busy, BusySource, Calendar, ClosingDay, SpecialDay, TimeOff, WorkingHours
from booking.models.catalog import Category, Location, Offer, Service
from booking.models.event import Event, EventPeriod, EventStaffing, Registration
from booking.models.extra import BookedExtra, Extra
from booking.models.idempotency import IdempotencyKey
from booking.models.mail_text import MailText
from booking.models.message import Message
from booking.models.people import Customer, Employee, ErasureRequest
from booking.models.question import Answer, CustomField, Upload
from booking.models.reminder import Reminder
from booking.models.waiting import WaitingEntry

__all__ = [
    "Allocation",
    "Answer",
    "Appointment",
    "Attendance",
    "BookedExtra",
    "Busy",
    "BusySource",
    "Calendar",
    "Category",
    "ClosingDay",
    "CustomField",
    "Customer",
    "Employee",
    "ErasureRequest",
    "Event",
    "EventPeriod",
    "EventStaffing",
    "Extra",
    "IdempotencyKey",
    "Location",
    "MailText",
    "Message",
    "Offer",
    "Registration",
    "Reminder",
    "Service",
    "SpecialDay",
    "Staffing",
    "Status",
    "TimeOff",
    "Upload",
    "WaitingEntry",
    "WorkingHours",
]
