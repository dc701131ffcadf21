"""The shop's tables."""

from __future__ import annotations

from booking.models.appointment import Appointment, Attendance, Staffing, Status
from booking.models.calendar import Allocation, Busy, BusySource, Calendar, SpecialDay, TimeOff, WorkingHours
from booking.models.catalog import Category, Location, Offer, Service
from booking.models.event import Event, EventPeriod, EventStaffing, Registration
from booking.models.extra import BookedExtra, Extra
from booking.models.idempotency import IdempotencyKey
from booking.models.message import Message
from booking.models.people import Customer, Employee
from booking.models.question import Answer, CustomField, Upload

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
    "CustomField",
    "Customer",
    "Employee",
    "Event",
    "EventPeriod",
    "EventStaffing",
    "Extra",
    "IdempotencyKey",
    "Location",
    "Message",
    "Offer",
    "Registration",
    "Service",
    "SpecialDay",
    "Staffing",
    "Status",
    "TimeOff",
    "Upload",
    "WorkingHours",
]
