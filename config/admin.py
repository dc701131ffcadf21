"""Accounts and groups in the admin: nobody gives out, or takes over, more rights than they have themselves."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from django import forms
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, Group, Permission, User
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from booking.pages.access import SEE_ALL, sees_all
from config.accounts import is_taken, vouch

Editor = AbstractBaseUser | AnonymousUser


def grantable(editor: Editor) -> list[int]:
    """The groups an editor may give: those with no right that the editor lacks, also where a group counts by its name."""
    if not isinstance(editor, User):
        return []
    own, all_diaries = editor.get_all_permissions(), sees_all(editor)
    found = Group.objects.prefetch_related("permissions__content_type")
    return [one.pk for one in found if (all_diaries or one.name not in SEE_ALL) and _names(one.permissions.all()) <= own]


def is_above(user: User, editor: Editor) -> bool:
    """Whether the account may do anything that the editor may not: then its address or password would be a way to more rights."""
    if not isinstance(editor, User) or editor.is_superuser:
        return False  # the first has no rights at all
    # What the account may do while it is inactive counts too.
    groups, direct = set(user.groups.values_list("pk", flat=True)), _names(user.user_permissions.select_related("content_type"))
    return user.is_superuser or not groups <= set(grantable(editor)) or not direct <= editor.get_all_permissions()


def _names(permissions: Iterable[Permission]) -> set[str]:
    return {f"{one.content_type.app_label}.{one.codename}" for one in permissions}


class AddressForm(forms.ModelForm):
    """People sign in by their address too: it belongs to one account."""

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"]
        if email and is_taken(email, self.instance):
            raise forms.ValidationError(_("Another account has this address."), code="taken")
        return email


class ChangeUserForm(AddressForm, UserChangeForm):
    pass


class AddUserForm(AddressForm, AdminUserCreationForm):
    class Meta(AdminUserCreationForm.Meta):
        fields = ("username", "email")


admin.site.unregister([User, Group, EmailAddress])  # addresses are edited with their account
admin.site.unregister([SocialAccount, SocialApp, SocialToken])  # always empty: integrations/oauth/consent.py


@admin.register(User)
class UserAdmin(DjangoUserAdmin):
    form = ChangeUserForm
    add_form = AddUserForm
    add_fieldsets = [(None, {"classes": ["wide"], "fields": ["username", "email", "usable_password", "password1", "password2"]})]

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> list[str]:
        own = [] if _is_superuser(request.user) else ["is_staff", "is_superuser", "user_permissions"]
        return [*super().get_readonly_fields(request, obj), "last_login", "date_joined", *own]

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "groups":
            kwargs["queryset"] = Group.objects.filter(pk__in=grantable(request.user))
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_change_permission(request, obj) and not (obj and is_above(obj, request.user))

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_delete_permission(request, obj) and not (obj and is_above(obj, request.user))

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if change and "email" in form.changed_data:  # a new account's: config.apps
            vouch(obj)


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin):
    """Groups are rights, by what they permit and by their names: for superusers only."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return _is_superuser(request.user)

    def has_change_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return _is_superuser(request.user)

    def has_delete_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return _is_superuser(request.user)


def _is_superuser(user: Editor) -> bool:
    return isinstance(user, User) and user.is_active and user.is_superuser
