"""The groups admin, manager and employee, and what each may do in the admin pages."""

from __future__ import annotations

from django.apps import AppConfig
from django.contrib.auth.models import Group, Permission
from django.db.models import Q

# Which permissions a new group gets. Later changes made by an admin are kept: an existing group is left alone.
SHOP = Q(content_type__app_label__in=["booking", "crm"])
EVERYTHING = Q(content_type__app_label__in=["booking", "resources", "integrations", "crm", "auth", "account", "django_celery_beat"])
OWN = Q(content_type__app_label="booking", codename="change_own_hours")
GROUPS: dict[str, Q] = {"admin": EVERYTHING, "manager": SHOP, "employee": OWN}


def ensure_groups(sender: AppConfig, using: str, **kwargs: object) -> None:
    """Runs after each `migrate`, when the permissions of all apps exist."""
    for name, wanted in GROUPS.items():
        group, created = Group.objects.using(using).get_or_create(name=name)
        if created:
            # History is for reading; nobody edits it.
            group.permissions.set(Permission.objects.using(using).filter(wanted).exclude(codename__contains="historical"))
            group.permissions.add(*Permission.objects.using(using).filter(wanted, codename__startswith="view_historical"))
