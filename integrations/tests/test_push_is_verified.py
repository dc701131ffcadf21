"""Who calls us is believed only with the token of the very subscription it speaks of; everything else is answered alike and does nothing."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from booking.models import Employee
from integrations.models import Account, Link, Subscription
from integrations.models.subscription import digest

pytestmark = [pytest.mark.django_db, pytest.mark.once]


class Caller:
    """One provider's way of calling, and the two subscriptions of two links that it may speak of."""

    def __init__(self, provider: str, employee: Employee) -> None:
        self.provider, self.client = provider, Client(enforce_csrf_checks=True)
        self.account = Account.objects.create(user=employee.user, provider=provider, state=Account.State.CONNECTED)
        self.links = [Link.objects.create(account=self.account, calendar=employee.calendar, remote_id=name, remote_name=name) for name in ("one", "two")]
        later = datetime.now(UTC) + timedelta(days=3)
        self.rows = [
            Subscription.objects.create(account=self.account, link=link, remote_id=f"id-{link.remote_id}", secret=digest(f"t-{link.remote_id}"), due_at=later)
            for link in self.links
        ]
        Subscription.objects.update(expires_at=later)

    def call(self, *said: tuple[str, str], state: str = "", link: int = -1, **more: Any) -> int:
        """Says (id, token) to the address of the first link; `state` is Google's resource state or Graph's lifecycle event."""
        address = reverse("hook", args=[self.provider, self.links[0].pk if link < 0 else link])
        if self.provider == "google":
            ((name, token),) = said
            headers = {"X-Goog-Channel-ID": name, "X-Goog-Channel-Token": token, "X-Goog-Resource-State": state or "exists", "X-Goog-Resource-ID": "r"}
            return self.client.post(address, headers=headers, **more).status_code
        rows = [
            {"subscriptionId": name, "clientState": token, "resource": "Users/1/Events/2"} | ({"lifecycleEvent": state} if state else {})
            for name, token in said
        ]
        return self.client.post(address, json.dumps({"value": rows}), content_type="application/json", **more).status_code

    def told(self) -> list[str]:
        return list(Subscription.objects.order_by("pk").values_list("told", flat=True))


@pytest.fixture(params=["google", "outlook"])
def caller(request: pytest.FixtureRequest, employee: Employee) -> Caller:
    return Caller(request.param, employee)


def test_whoever_knows_the_token_is_believed(caller: Caller):
    assert caller.call(("id-one", "t-one")) == 202
    assert caller.told() == ["changed", ""]


@pytest.mark.parametrize("token", ["", "t-two", "T-ONE", "t-one ", "x" * 5000, "ü\udc80"])
def test_f48_with_another_token_nothing_is_done(caller: Caller, token: str):
    """Seen red without the comparison."""
    if caller.provider == "google" and not token.isascii():
        token = "\xfc"
    with CaptureQueriesContext(connection) as queries:
        assert caller.call(("id-one", token)) == 404
    assert [one["sql"] for one in queries if not one["sql"].startswith("SELECT")] == []
    assert caller.told() == ["", ""]


def test_f48_unknown_and_old_ones_are_answered_alike_without_a_write(caller: Caller):
    """An unknown id, another link's address, a link that is no longer there, an account that is no longer connected."""
    with CaptureQueriesContext(connection) as queries:
        assert caller.call(("id-other", "t-one")) == 404
        assert caller.call(("", "")) == 404
        assert caller.call(("id-one", "t-one"), link=caller.links[1].pk) == 404
        assert caller.call(("id-one", "t-one"), link=4242) == 404
    assert [one["sql"] for one in queries if not one["sql"].startswith("SELECT")] == []
    Account.objects.update(state=Account.State.DISCONNECTING)
    assert caller.call(("id-one", "t-one")) == 404
    assert caller.told() == ["", ""]


def test_one_that_is_only_wished_for_has_no_token_yet(caller: Caller):
    """Unset means closed."""
    Subscription.objects.filter(link=caller.links[0]).update(remote_id="", secret="")
    assert caller.call(("", "")) == 404
    Subscription.objects.filter(link=caller.links[0]).update(remote_id="id-one")
    assert caller.call(("id-one", "")) == 404


@pytest.mark.parametrize(("state", "code", "told"), [("sync", 202, ""), ("exists", 202, "changed"), ("not_exists", 202, "changed"), ("add", 404, "")])
def test_f49_each_of_googles_states_means_what_it_says(employee: Employee, state: str, code: int, told: str):
    caller = Caller("google", employee)
    assert caller.call(("id-one", "t-one"), state=state) == code
    assert caller.told() == [told, ""]
    assert caller.call(("id-one", "wrong"), state=state) == 404, "verified before anything is looked at"


@pytest.mark.parametrize(
    ("event", "told", "renews"), [("reauthorizationRequired", "changed", True), ("subscriptionRemoved", "changed", True), ("missed", "missed", False)]
)
def test_f46_each_of_graphs_lifecycle_events_has_its_consequence(employee: Employee, event: str, told: str, renews: bool):
    """Seen red when the lifecycle is not verified, and when what was missed is forgotten for what has changed."""
    caller = Caller("outlook", employee)
    assert caller.call(("id-one", "wrong"), state=event) == 404
    assert caller.told() == ["", ""]
    assert caller.call(("id-one", "t-one"), state=event) == 202
    assert caller.call(("id-one", "t-one")) == 202
    assert caller.told() == [told, ""]
    assert (Subscription.objects.get(remote_id="id-one").due_at <= datetime.now(UTC)) == renews


def test_of_a_mixed_call_only_what_is_verified_counts(employee: Employee):
    """Seen red when one good token vouches for the others."""
    caller = Caller("outlook", employee)
    other = Subscription.objects.create(
        account=caller.account, link=caller.links[0], remote_id="old", secret=digest("t-old"), ending=True, due_at=datetime.now(UTC)
    )
    assert caller.call(("id-one", "wrong"), ("id-two", "t-two"), ("old", "t-old"), ("none", "t-one")) == 202
    assert caller.told() == ["", "", "changed"]
    assert other.remote_id == "old"


def test_what_is_asked_first_is_sent_back_as_plain_text_to_whoever_we_asked(employee: Employee):
    """Seen red with text/html, and when it is answered for links that wish for nothing."""
    caller = Caller("outlook", employee)
    asked = "Validation: <script>alert(1)</script> & more"
    address = reverse("hook", args=["outlook", caller.links[0].pk])
    answer = caller.client.post(address, query_params={"validationToken": asked}, content_type="text/plain")
    assert (answer.status_code, answer.content.decode(), answer.headers["Content-Type"]) == (200, asked, "text/plain; charset=utf-8")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert caller.client.post(address, query_params={"validationToken": "x" * 2001}).status_code == 404
    Subscription.objects.filter(link=caller.links[0]).update(ending=True)
    assert caller.client.post(address, query_params={"validationToken": asked}).status_code == 404
    assert caller.client.post(reverse("hook", args=["google", caller.links[1].pk]), query_params={"validationToken": asked}).status_code == 404


@pytest.mark.parametrize("provider", ["caldav", "memory", "nobody"])
def test_who_does_not_tell_has_no_address(client, provider: str):
    assert client.post(f"/hooks/{provider}/1/").status_code == 404


def test_other_methods_and_large_bodies_are_refused(caller: Caller):
    address = reverse("hook", args=[caller.provider, caller.links[0].pk])
    assert {getattr(caller.client, method)(address).status_code for method in ("get", "put", "patch", "delete", "head", "options")} == {405}
    assert caller.client.post(address, b"x" * 300_000, content_type="application/json").status_code == 413
    assert caller.client.post(address, b"[" * 200_000, content_type="application/json").status_code == 404


def test_a_flood_writes_once_until_it_has_been_read(caller: Caller):
    """Seen red when each call is noted."""
    caller.call(("id-one", "t-one"))
    with CaptureQueriesContext(connection) as queries:
        for _call in range(50):
            assert caller.call(("id-one", "t-one")) == 202
    assert [one["sql"] for one in queries if one["sql"].startswith("UPDATE")] == []
    assert len(queries) == 50
