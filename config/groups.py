"""The groups admin, manager and employee, and what each may do in the admin pages."""

from __future__ import annotations

from django.apps import AppConfig
from django.contrib.auth.models import Group, Permission
from django.db.models import Q

# Which permissions a new group gets. Later changes made by an admin are kept: an existing group is left alone.
SHOP = Q(content_type__app_label__in=["booking", "crm"])
EVERYTHING = Q(content_type__app_label__in=["booking", "resources", "integrations", "crm", "auth", "account", "django_celery_beat"])
GROUPS: dict[str, Q | None] = {"admin": EVERYTHING, "manager": SHOP, "employee": None}


def ensure_groups(sender: AppConfig, using: str, **kwargs: object) -> None:
    """Runs after each `migrate`, when the permissions of all apps exist."""
    for name, wanted in GROUPS.items():
        group, created = Group.objects.using(using).get_or_create(name=name)
        if created and wanted is not None:
            # History is for reading; nobody edits it.
            group.permissions.set(Permission.objects.using(using).filter(wanted).exclude(codename__contains="historical"))
            group.permissions.add(*Permission.objects.using(using).filter(wanted, codename__startswith="view_historical"))
