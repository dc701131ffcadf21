"""Accounts in the admin: nobody raises rights, the own or another's; and the address an admin writes is confirmed."""

from __future__ import annotations

import time

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.contrib.auth.models import Group, Permission, User
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from conftest import PASSWORD, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def officer(db):
    """Of the group admin, but no superuser."""
    return make_user("officer", "admin", is_staff=True)


def signed_in(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def url(user, name="change") -> str:
    return reverse(f"admin:auth_user_{name}", args=[user.pk])


def typed(user, **changes) -> dict[str, object]:
    groups = list(user.groups.values_list("pk", flat=True))
    flags = {name: "on" for name in ("is_active", "is_staff", "is_superuser") if getattr(user, name)}
    return {"username": user.username, "first_name": "", "last_name": "", "email": user.email, "groups": groups, **flags, **changes}


def rights(user) -> tuple[bool, bool, set[str], set[str]]:
    fresh = User.objects.get(pk=user.pk)
    return fresh.is_superuser, fresh.is_staff, fresh.get_all_permissions(), set(fresh.groups.values_list("name", flat=True))


def test_an_officer_gives_nobody_more_rights(officer, outsider):
    """The own account and another's. Seen red without get_readonly_fields."""
    everything = list(Permission.objects.values_list("pk", flat=True))
    for user in (officer, outsider):
        before = rights(user)
        answer = signed_in(officer).post(url(user), typed(user, is_superuser="on", is_staff="on", user_permissions=everything, first_name="Changed"))
        assert answer.status_code == 302
        user.refresh_from_db()
        assert user.first_name == "Changed"
        assert rights(user) == before


def test_an_officer_gives_only_groups_with_rights_of_the_own(officer, outsider, employee):
    """Seen red without the limit of the choices."""
    strong = Group.objects.create(name="strong")
    strong.permissions.set(Permission.objects.filter(codename="delete_authenticator"))
    groups = Group.objects.in_bulk(field_name="name")
    client = signed_in(officer)
    refused = client.post(url(outsider), typed(outsider, groups=[strong.pk]))
    assert refused.status_code == 200
    assert rights(outsider)[3] == set()
    assert client.post(url(outsider), typed(outsider, groups=[groups["manager"].pk])).status_code == 302
    assert rights(outsider)[3] == {"manager"}


def test_a_group_that_counts_by_its_name_is_given_only_by_who_has_its_rights(outsider):
    """Whoever is in "manager" sees every diary, whatever that group permits. Seen red without the look at the name."""
    clerk = make_user("clerk", is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(codename__in=["change_user", "view_user"]))
    manager = Group.objects.get(name="manager")
    manager.permissions.clear()
    assert signed_in(clerk).post(url(outsider), typed(outsider, groups=[manager.pk])).status_code == 200
    assert rights(outsider)[3] == set()


def test_an_officer_takes_over_no_account_with_more_rights(officer, admin):
    """Neither by its password, nor by its address, nor by deleting it. Seen red without is_above in has_change_permission, has_delete_permission."""
    strong = make_user("strong")
    strong.user_permissions.set(Permission.objects.filter(codename="delete_authenticator"))
    client = signed_in(officer)
    for user in (admin, strong):
        assert client.get(url(user)).status_code == 200  # to look at
        assert client.post(url(user), typed(user, email="officer2@example.org")).status_code == 403
        assert client.post(reverse("admin:auth_user_password_change", args=[user.pk]), {"password1": "x" * 12, "password2": "x" * 12}).status_code == 403
        assert client.post(url(user, "delete"), {"post": "yes"}).status_code == 403
        client.post(reverse("admin:auth_user_changelist"), {"action": "delete_selected", "_selected_action": [user.pk], "post": "yes"})
        fresh = User.objects.get(pk=user.pk)
        assert (fresh.email, fresh.check_password(PASSWORD)) == (user.email, True)


def test_only_superusers_change_groups(officer, admin):
    """Seen red with Django's own page of groups."""
    group = Group.objects.get(name="admin")
    change, add, delete = (
        reverse("admin:auth_group_change", args=[group.pk]),
        reverse("admin:auth_group_add"),
        reverse("admin:auth_group_delete", args=[group.pk]),
    )
    everything = list(Permission.objects.values_list("pk", flat=True))
    before = set(group.permissions.all())
    client = signed_in(officer)
    for path in (change, add, delete):
        assert client.post(path, {"name": "admin", "permissions": everything, "post": "yes"}).status_code == 403
    assert set(group.permissions.all()) == before
    assert signed_in(admin).post(change, {"name": "admin", "permissions": everything}).status_code == 302


def test_a_superuser_may_do_all_that(admin, outsider):
    client = signed_in(admin)
    groups = list(Group.objects.values_list("pk", flat=True))
    assert client.post(url(outsider), typed(outsider, is_superuser="on", is_staff="on", groups=groups)).status_code == 302
    assert rights(outsider)[:2] == (True, True)


def add_account(editor, **changes):
    fields = {"username": "newcomer", "email": "New@Example.org", "usable_password": "true", "password1": PASSWORD, "password2": PASSWORD}
    return signed_in(editor).post(reverse("admin:auth_user_add"), {**fields, **changes})


def set_up_second_factor(user) -> bool:
    """Signs in and follows allauth's pages, as a person with an authenticator app does; whether it worked."""
    client = Client()
    client.post(reverse("account_login"), {"login": user.username, "password": PASSWORD})
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    page = client.get(reverse("mfa_activate_totp"))
    if page.status_code == 200:
        code = format_hotp_value(hotp_value(page.context["form"].secret, int(time.time()) // 30))
        client.post(reverse("mfa_activate_totp"), {"code": code})
    return bool(Authenticator.objects.filter(user=user, type="totp").exists())


def test_who_gets_an_account_from_an_admin_can_set_up_a_second_factor(officer):
    """Seen red without vouch_for_new: allauth refuses until the address is confirmed."""
    assert add_account(officer).status_code == 302
    user = User.objects.get(username="newcomer")
    assert set_up_second_factor(user)
    assert list(EmailAddress.objects.filter(user=user).values_list("email", "verified", "primary")) == [("new@example.org", True, True)]


def test_an_address_changed_by_an_admin_replaces_the_old_one(officer, outsider):
    """Seen red without vouch in save_model: the old address would still have been confirmed."""
    assert signed_in(officer).post(url(outsider), typed(outsider, email="other@example.org")).status_code == 302
    assert list(EmailAddress.objects.filter(user=outsider).values_list("email", "verified", "primary")) == [("other@example.org", True, True)]
    assert set_up_second_factor(outsider)


def test_an_address_belongs_to_one_account(officer, outsider):
    """Seen red without clean_email (an IntegrityError, or two accounts that sign in by one address)."""
    for email in ("OUTSIDER@example.org", "spare@example.org"):
        EmailAddress.objects.get_or_create(user=outsider, email=email.lower(), defaults={"verified": True})
        answer = add_account(officer, email=email)
        assert "Another account has this address." in answer.content.decode()
    assert signed_in(officer).post(url(officer), typed(officer, email=outsider.email)).status_code == 200
    assert not User.objects.filter(username="newcomer").exists()


def test_the_operator_vouches_too(outsider, monkeypatch):
    """An account from the command line; with an address that is taken it is made, and not confirmed."""
    for name, email, confirmed in (("root", "root@example.org", True), ("second", "outsider@example.org", False)):
        call_command("createsuperuser", username=name, email=email, interactive=False, verbosity=0)
        assert EmailAddress.objects.filter(user__username=name, verified=True).exists() == confirmed
