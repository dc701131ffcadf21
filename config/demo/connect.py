"""Connects the two employees' calendars at the demo's own server, as they would do it themselves in their profile."""

from __future__ import annotations

import os

from config.demo.ground import EMPLOYEES, PASSWORD


class MovedServer(Exception):
    """The calendars were connected at another address than the server has now."""


def connect_calendars() -> None:
    """Each employee's only calendar is read and written. The server must be running; who is connected is left alone."""
    from booking.models import Employee
    from integrations import choosing, connect, registry

    if "caldav" not in registry.providers():
        return
    server = os.environ["DEMO_CALDAV_URL"]
    for name in EMPLOYEES:
        employee = Employee.objects.select_related("user", "calendar").get(user__username=name)
        assert employee.user is not None
        known = employee.user.calendar_accounts.filter(username=name, provider="caldav").first()
        if known is not None:
            if known.server.startswith("http://127.0.0.1:") and not known.server.startswith(server):
                raise MovedServer(
                    f"The demo's calendars were connected at {known.server}, but the server is now {server}. Use the old DEMO_CALDAV_PORT, or start anew: make demo-reset"
                )
            continue
        account = connect.add_account(user=employee.user, provider="caldav", server=f"{server}/", username=name, secrets={"password": PASSWORD})
        if not connect.check(account.pk):
            account.refresh_from_db()
            raise RuntimeError(f"The demo's own calendar server can't be used: {account.problem} {account.hint}")
        account.refresh_from_db()
        remote = next(str(one["id"]) for one in account.calendars if one["writable"])
        choosing.choose(account, employee.calendar, reads={remote}, writes=remote)
