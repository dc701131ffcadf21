"""Connects the two employees' calendars at the demo's own server, as they would do it themselves in their profile; and sets up the try-out servers, as an
admin would."""

from __future__ import annotations

import os

from config.demo import tryout
from config.demo.ground import EMPLOYEES, PASSWORD


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
        if employee.user.calendar_accounts.filter(username=name, provider="caldav").exists():
            continue
        account = connect.add_account(user=employee.user, provider="caldav", server=f"{server}/", username=name, secrets={"password": PASSWORD})
        if not connect.check(account.pk):
            account.refresh_from_db()
            raise RuntimeError(f"The demo's own calendar server can't be used: {account.problem} {account.hint}")
        account.refresh_from_db()
        remote = next(str(one["id"]) for one in account.calendars if one["writable"])
        choosing.choose(account, employee.calendar, reads={remote}, writes=remote)


def set_up_sign_in() -> None:
    """What is set up is left alone."""
    from integrations.models import OAuthClient
    from integrations.oauth import clients

    for provider in tryout.KINDS:
        if not OAuthClient.objects.filter(provider=provider).exists():
            clients.saved(OAuthClient(provider=provider, client_id=tryout.CLIENT, tenant="common"), secret=os.environ["TRYOUT_CLIENT_SECRET"])
