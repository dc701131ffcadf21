"""Tests a connection step by step and says in plain words what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from django.utils.translation import gettext_noop as _

from integrations.contract import NeedsPerson, Provider, ProviderError, Step
from integrations.wire.address import reach
from integrations.wire.http import Client, check, origin


def steps(provider: Provider, client: Client, sign_in: Callable[[], str], *, at: str = "") -> Iterator[Step]:
    """Address, server, login, calendars, right to write; ends after the first step that failed. `sign_in` says as whom. `at`: the server's
    address where the account has none of its own."""
    rules, server = client.rules, at or provider.credentials.server

    def address() -> str:
        check(server, rules)
        return server

    def reachable() -> str:
        _scheme, host, port = origin(server)
        reach(host, port, rules)
        client.request("OPTIONS", server)
        return host

    def calendars() -> str:
        found = provider.calendars()
        if not found:
            raise NeedsPerson(_("There is no calendar in this account."), _("Create one there first."), code="gone")
        return ", ".join(one.name for one in found)

    def writable() -> str:
        found = [one.name for one in provider.calendars() if one.writable]
        if not found:
            raise NeedsPerson(_("No calendar of this account may be written."), _("Ask its owner for the right to write."), code="permission")
        return ", ".join(found)

    for name, test in (
        (_("Address"), address),
        (_("Server answers over a trusted connection"), reachable),
        (_("Sign-in and account found"), sign_in),
        (_("Calendars"), calendars),
        (_("Writable"), writable),
    ):
        found = step(name, test, otherwise=_("Check the address, or try again later."))
        yield found
        if not found.ok:
            return


def step(name: str, test: Callable[[], str], *, otherwise: str) -> Step:
    """What the test says, or its trouble; `otherwise`: what to do about trouble that says nothing of it."""
    try:
        return Step(name, True, test())
    except ProviderError as error:
        return Step(name, False, str(error), (isinstance(error, NeedsPerson) and error.hint) or otherwise)
