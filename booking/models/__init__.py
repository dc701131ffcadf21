"""The shop's tables."""

from __future__ import annotations

from booking.models.appointment import Appointment, Attendance, Staffing, Status
from booking.models.calendar import Allocation, Busy, BusySource, Calendar, SpecialDay, TimeOff, WorkingHours
from booking.models.catalog import Category, Location, Service
from booking.models.event import Event, EventPeriod, EventStaffing, Registration
from booking.models.idempotency import IdempotencyKey
from booking.models.message import Message
from booking.models.people import Customer, Employee
from booking.models.waiting import WaitingEntry

__all__ = [
    "Allocation",
    "Appointment",
    "Attendance",
    "Busy",
    "BusySource",
    "Calendar",
    "Category",
    "Customer",
    "Employee",
    "Event",
    "EventPeriod",
    "EventStaffing",
    "IdempotencyKey",
    "Location",
    "Message",
    "Registration",
    "Service",
    "SpecialDay",
    "Staffing",
    "Status",
    "TimeOff",
    "WaitingEntry",
    "WorkingHours",
]
