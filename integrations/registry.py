"""Finds the installed providers: the apps whose config is a ProviderConfig."""

from __future__ import annotations

from django.apps import apps

from integrations.contract import NeedsPerson, ProviderConfig


def providers() -> dict[str, ProviderConfig]:
    """All installed providers by id, in the order of INSTALLED_APPS."""
    return {config.provider_id: config for config in apps.get_app_configs() if isinstance(config, ProviderConfig)}


def config(provider_id: str) -> ProviderConfig:
    """Raises NeedsPerson when the provider is no longer installed."""
    try:
        return providers()[provider_id]
    except KeyError as error:
        raise NeedsPerson(f"The provider is not installed. ({provider_id})", "Install it again or disconnect the account.", code="gone") from error
