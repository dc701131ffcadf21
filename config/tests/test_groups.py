"""The groups that `migrate` makes, and what they may."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.contrib.auth.models import Group

from config.groups import ensure_groups

pytestmark = pytest.mark.django_db


def test_managers_may_edit_the_shop_and_not_the_accounts(manager):
    assert manager.has_perm("booking.change_appointment")
    assert not manager.has_perm("auth.change_user")


def test_nobody_may_edit_history_through_a_group(manager):
    assert manager.has_perm("booking.view_historicalappointment")
    assert not manager.has_perm("booking.change_historicalappointment")
    assert not manager.has_perm("booking.delete_historicalappointment")


def test_what_an_admin_took_from_a_group_stays_taken(manager):
    """Seen red with the permissions set each time."""
    Group.objects.get(name="manager").permissions.clear()
    ensure_groups(sender=apps.get_app_config("config"), using="default")
    assert not Group.objects.get(name="manager").permissions.exists()
