"""The status of an appointment, which follows from those of its attendances. Written while its calendars are locked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from booking.actions import allocation
from booking.models import Appointment, Attendance, Employee, Message, Service, Status
from booking.models.appointment import LIVE
from booking.notifications.announce import announce
from booking.signals import item_changed
from booking.wake import wake_after_commit


def first_status(service: Service) -> Status:
    """Of what has just been booked, before it is known who else comes."""
    return Status.PENDING if service.needs_approval or service.min_capacity > 1 else Status.APPROVED


def following(statuses: Iterable[str]) -> Status:
    """Of its attendances: approved if any is, else pending if any, else cancelled; rejected if all are."""
    found = set(statuses)
    if found == {Status.REJECTED}:
        return Status.REJECTED
    return next((status for status in (Status.APPROVED, Status.PENDING) if status in found), Status.CANCELLED)


def live_of(appointment: Appointment) -> list[Attendance]:
    return list(appointment.attendances.filter(status__in=LIVE).select_related("customer").order_by("pk"))


def waiting_of(appointment: Appointment) -> list[Attendance]:
    """Who waits for approval."""
    return [one for one in live_of(appointment) if one.status == Status.PENDING]


def settle(appointment: Appointment, joined: Attendance, *, now: datetime) -> None:
    """Somebody has joined: once enough persons come, all who waited for it are confirmed and told. Where staff approves, they wait for that."""
    coming = live_of(appointment)
    enough = appointment.status == Status.APPROVED or sum(one.persons for one in coming) >= appointment.service.min_capacity
    waiting = [one for one in coming if one.status == Status.PENDING] if enough and not appointment.service.needs_approval else []
    statuses = dict.fromkeys(waiting, Status.APPROVED)
    set_status(appointment, following(statuses.get(one, one.status) for one in coming), statuses, reason="somebody joined")
    joined.status = Status.APPROVED if joined in waiting else joined.status
    if told := [one for one in waiting if one != joined]:
        announce(appointment, Message.Kind.APPROVED, attendances=told, employees=appointment.employees.all(), now=now)


def set_status(appointment: Appointment, status: Status, attendances: Mapping[Attendance, Status], *, reason: str) -> None:
    """Of the appointment, and of those who are named. A link dies with what it was for."""
    appointment.status = status
    save(appointment, reason)
    for attendance, wanted in attendances.items():
        attendance.status = wanted
        if wanted not in LIVE:
            attendance.link_version += 1
        attendance.save()


def end(
    appointment: Appointment,
    going: Sequence[Attendance],
    status: Status,
    kind: Message.Kind,
    employees: Sequence[Employee],
    *,
    now: datetime,
    origin: object,
    reason: str,
) -> None:
    """For those; with the last of them the appointment ends, and its time is free. The appointment is held."""
    staying = [one for one in live_of(appointment) if one not in going]
    if not staying:
        ended = appointment.attendances.exclude(pk__in=[one.pk for one in going]).exclude(status=status)
        set_status(appointment, Status.CANCELLED if ended.exists() else status, dict.fromkeys(going, status), reason=reason)
        allocation.free(appointment)
    else:
        set_status(appointment, following(one.status for one in staying), dict.fromkeys(going, status), reason=reason)
    announce(appointment, kind, attendances=going, employees=employees, now=now)
    wake_waiting()
    item_changed.send(sender=Appointment, item=appointment, origin=origin)


def wake_waiting() -> None:
    """Rings for those who wait: something has been given back."""
    from booking.tasks import tell_waiting

    wake_after_commit(tell_waiting)


def as_they_were(appointment: Appointment) -> list[Attendance]:
    """Whose places ended together with the appointment, each with the status it had: who had cancelled before doesn't come back."""
    versions = appointment.history.order_by("-history_date", "-history_id")
    before = versions.filter(status__in=LIVE).first()
    if before is None:
        return []
    ended = versions.filter(history_date__gte=before.history_date).exclude(status__in=LIVE).last()
    back = []
    for attendance in appointment.attendances.order_by("pk"):
        last = attendance.history.filter(status__in=LIVE).order_by("-history_date", "-history_id").first()
        gone = attendance.history.exclude(status__in=LIVE).order_by("-history_date", "-history_id")
        if last is not None and ended is not None and gone.filter(history_date__gte=ended.history_date).exists():
            attendance.status = last.status
            back.append(attendance)
    return back


def save(appointment: Appointment, reason: str) -> None:
    appointment._change_reason = reason[:100] or None  # type: ignore[attr-defined]  # simple-history reads it
    appointment.save()
