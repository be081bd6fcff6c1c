"""The configured providers, one instance per alias."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from billing_webhooks.conf import settings
from billing_webhooks.providers.base import Provider

# Of a type that nobody knows: what is told of it is not the sender's to choose.
OTHER_TYPE = "other"

_instances: dict[str, tuple[Mapping[str, Any], Provider]] = {}


def get_provider(alias: str) -> Provider:
    """
    Return the provider configured under an alias.

    Raise KeyError for an unknown alias and ImproperlyConfigured for an entry that
    cannot be used. The instance is kept for as long as its configuration is the same.
    """
    config = settings.PROVIDERS[alias]
    known = _instances.get(alias)
    if known is not None and known[0] == config:
        return known[1]
    provider = _build(alias, config)
    _instances[alias] = (config, provider)
    return provider


def _build(alias: str, config: Any) -> Provider:
    where = f"BILLING_WEBHOOKS_PROVIDERS[{alias!r}]"
    if not isinstance(config, Mapping) or "BACKEND" not in config:
        raise ImproperlyConfigured(f"{where} needs a BACKEND, the dotted path of a Provider.")
    unknown = sorted(set(config) - {"BACKEND", "OPTIONS"})
    if unknown:
        raise ImproperlyConfigured(f"{where} has unknown entries: {', '.join(unknown)}.")
    try:
        backend = import_string(config["BACKEND"])
    except ImportError as error:
        raise ImproperlyConfigured(
            f"{where}['BACKEND'], {config['BACKEND']!r}, cannot be imported: {error}."
        ) from error
    if not (isinstance(backend, type) and issubclass(backend, Provider)):
        raise ImproperlyConfigured(f"{where}['BACKEND'] is not a subclass of Provider.")
    options = config.get("OPTIONS", {})
    if not isinstance(options, Mapping):
        raise ImproperlyConfigured(f"{where}['OPTIONS'] must be a dictionary.")
    return backend(alias, options)


def told_type(alias: str, event_type: str) -> str:
    """Return a type of which the alias's provider has a signal; any other is "other"."""
    try:
        return event_type if event_type in get_provider(alias).signals else OTHER_TYPE
    except (KeyError, ImproperlyConfigured):
        return OTHER_TYPE
