"""Where the endpoints are, for the project itself and for those who post."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from django.conf import settings
from django.urls import NoReverseMatch, get_script_prefix, reverse

# Names that other machines do not know this one by.
LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]", "0.0.0.0", "testserver"})  # noqa: S104


def path_of(alias: str) -> str:
    """
    Return the path of an alias's endpoint.

    Raise NoReverseMatch if the project does not include `billing_webhooks.urls`.
    """
    if not getattr(settings, "ROOT_URLCONF", None):
        raise NoReverseMatch("This project has no URLs at all.")
    return reverse("billing_webhooks:receive", args=[alias])


def path_info_of(alias: str) -> str:
    """Return the same path as a server hands it on: without FORCE_SCRIPT_NAME."""
    return path_of(alias).removeprefix(get_script_prefix().rstrip("/"))


@dataclass(frozen=True)
class Base:
    """
    The address below which the world sees the endpoints: https://shop.example.com/webhooks/

    `host` may hold a port. An empty `prefix` is the project's own.
    """

    scheme: str
    host: str
    prefix: str = ""

    def endpoint(self, alias: str) -> str:
        """Return the URL of an alias's endpoint, without any secret."""
        return f"{self.scheme}://{self.host}{self.path(alias)}"

    def path(self, alias: str) -> str:
        """Return the path of an alias's endpoint as the world sees it."""
        return self.prefix + quote(alias, safe="") if self.prefix else path_of(alias)


def allowed_hosts() -> list[str]:
    """Return the hosts that ALLOWED_HOSTS names, without those for which it has a pattern."""
    named = [host.removeprefix(".") for host in settings.ALLOWED_HOSTS if host not in {"", "*"}]
    return named or (["localhost"] if settings.DEBUG or "*" in settings.ALLOWED_HOSTS else [])


def public_base() -> Base | None:
    """Return where the world finds this project by ALLOWED_HOSTS, None if that does not say."""
    for host in allowed_hosts():
        if host not in LOCAL_HOSTS and not host.endswith(".localhost"):
            return Base("https", host)
    return None
