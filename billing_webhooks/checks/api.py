"""Whether what the REST API needs is installed, where its URLs are included."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import metadata
from importlib.util import find_spec

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage
from django.urls import URLResolver, get_resolver
from django.utils.version import get_version_tuple

APP_NAME = "billing_webhooks_api"
# What is imported, by which name it is installed, and from which version on it is good for us.
NEEDED = {
    "rest_framework": ("djangorestframework", "3.16"),
    "django_filters": ("django-filter", "25.1"),
    "drf_spectacular": ("drf-spectacular", "0.28"),
}


def check_api() -> list[CheckMessage]:
    """Check that the API is not included without what it needs."""
    lacking = [*missing(), *too_old()]
    # A process without URLs, such as a worker, serves no request.
    if not lacking or not getattr(settings, "ROOT_URLCONF", None) or not _is_included():
        return []
    return [
        checks.Warning(
            f"The URLs of billing_webhooks.api are included, and need {', '.join(lacking)}.",
            hint="Type pip install 'django-billing-webhooks[api]', or take the URLs away.",
            id="billing_webhooks.W019",
        )
    ]


def missing() -> list[str]:
    """Return what the API needs and is not there, as it is installed."""
    return [name for module, (name, _) in NEEDED.items() if not _is_there(module)]


def too_old() -> Iterator[str]:
    """Yield what the API needs in a later version than the one there is."""
    for name, needed in NEEDED.values():
        found = _version(name)
        if found and get_version_tuple(found) < get_version_tuple(needed):
            yield f"{name} from {needed} on, not {found}"


def _version(name: str) -> str:
    """Return which version is installed, "" if none is, or none that says so."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ValueError:
        # Somebody has put None in its place.
        return False


def _is_included(resolver: URLResolver | None = None) -> bool:
    patterns = (resolver or get_resolver()).url_patterns
    resolvers = [each for each in patterns if isinstance(each, URLResolver)]
    return any(each.app_name == APP_NAME or _is_included(each) for each in resolvers)
