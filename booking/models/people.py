"""Who works and who books."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Upper
from django.utils.translation import gettext_lazy as _

from booking.models.calendar import Calendar
from booking.models.history import records


def languages() -> list[tuple[str, str]]:
    """The languages on offer; a function, so that a change of the setting needs no migration."""
    return [(code, str(name)) for code, name in settings.LANGUAGES]


class Employee(models.Model):
    """Somebody who serves customers; owns one calendar. `user` may sign in and see the own profile."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="employee", verbose_name=_("account"))
    calendar = models.OneToOneField(Calendar, models.PROTECT, related_name="employee", verbose_name=_("calendar"))
    first_name = models.CharField(_("first name"), max_length=150)
    last_name = models.CharField(_("last name"), max_length=150, blank=True)
    email = models.EmailField(_("e-mail"))
    phone = models.CharField(_("phone"), max_length=40, blank=True)
    description = models.TextField(_("public description"), blank=True)
    note = models.TextField(_("internal note"), blank=True)
    language = models.CharField(_("language"), max_length=10, choices=languages, default="de")
    is_active = models.BooleanField(_("takes bookings"), default=True)
    position = models.PositiveIntegerField(_("position"), default=0)
    # Raised to make the address of the diary's feed invalid.
    feed_version = models.PositiveIntegerField(default=1, editable=False)

    history = records(excluded_fields=["feed_version"])

    class Meta:
        verbose_name = _("employee")
        verbose_name_plural = _("employees")
        ordering = ["position", "first_name", "last_name"]

    def __str__(self) -> str:
        return self.full_name

    @property
    def full_name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()


class CustomerQuerySet(models.QuerySet["Customer"]):
    def same_person(self, customer: Customer) -> CustomerQuerySet:
        """All of that address and name, whatever phone number was typed. The same address under another name may be a stranger's joke, or the family's."""
        return self.filter(email__iexact=customer.email, first_name__iexact=customer.first_name, last_name__iexact=customer.last_name)


class Customer(models.Model):
    """Somebody who books. One person may appear more than once: a public form never changes what is stored under a known address."""

    first_name = models.CharField(_("first name"), max_length=150)
    last_name = models.CharField(_("last name"), max_length=150, blank=True)
    email = models.EmailField(_("e-mail"))
    phone = models.CharField(_("phone"), max_length=40, blank=True)
    note = models.TextField(_("internal note"), blank=True)
    # Raised to make all panel links sent so far invalid.
    link_version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    objects = CustomerQuerySet.as_manager()
    history = records()

    class Meta:
        verbose_name = _("customer")
        verbose_name_plural = _("customers")
        ordering = ["last_name", "first_name"]
        indexes = [models.Index(Upper("email"), name="customer_email")]

    def __str__(self) -> str:
        return self.full_name

    @property
    def full_name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()


class ErasureRequest(models.Model):
    """Somebody wishes to be forgotten."""

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="erasure_requests", verbose_name=_("customer"))
    asked_at = models.DateTimeField(_("asked at"))
    done_at = models.DateTimeField(_("done"), null=True, blank=True)

    class Meta:
        verbose_name = _("wish to be erased")
        verbose_name_plural = _("wishes to be erased")
        ordering = ["-asked_at"]
        constraints = [models.UniqueConstraint(fields=["customer"], condition=models.Q(done_at=None), name="erasure_asked_once")]

    def __str__(self) -> str:
        return str(self.customer)
