"""How accounts differ from allauth's defaults: sign-up is closed, an admin vouches for addresses, second-factor secrets are encrypted."""

from __future__ import annotations

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from allauth.mfa.adapter import DefaultMFAAdapter
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest

from integrations.models.encrypted import cipher


class AccountAdapter(DefaultAccountAdapter):
    """Accounts of staff are made by an admin; customers need none."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False


def is_taken(email: str, user: User) -> bool:
    """Whether another account has the address, as its own or as one it has confirmed."""
    mine = Q(email__iexact=email) | Q(emailaddress__email__iexact=email, emailaddress__verified=True)
    return User.objects.filter(mine).exclude(pk=user.pk).exists()


@transaction.atomic
def vouch(user: User) -> None:
    """The address that an admin wrote is the account's only one and counts as confirmed: nobody else makes accounts.

    allauth wants a confirmed one before a second factor can be set up. One that another account has stays unconfirmed.
    """
    EmailAddress.objects.filter(user=user).exclude(email__iexact=user.email).delete()
    if user.email and not is_taken(user.email, user):
        EmailAddress.objects.update_or_create(user=user, email=user.email.lower(), defaults={"verified": True, "primary": True})


def vouch_for_new(sender: type[User], instance: User, created: bool, raw: bool = False, **kwargs: object) -> None:
    """However an account is made: in the admin, by `createsuperuser`, in the demo."""
    if created and not raw:
        vouch(instance)


class SecondFactorAdapter(DefaultMFAAdapter):
    """Keeps TOTP secrets and recovery seeds encrypted in the database."""

    def encrypt(self, text: str) -> str:
        return cipher().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return cipher().decrypt(encrypted_text.encode()).decode()
