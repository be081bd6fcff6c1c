"""What is behind a number: the list of the rows, for those who may view it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.contrib.admin import AdminSite
from django.contrib.admin.exceptions import NotRegistered
from django.contrib.admin.utils import quote
from django.contrib.auth import get_permission_codename
from django.db.models import Model
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils import formats
from django.utils.html import format_html
from django.utils.safestring import SafeString


class Behind:
    """The lists and pages that a request's user may view on a site."""

    def __init__(self, site: AdminSite, request: HttpRequest) -> None:
        self.site = site
        self.request = request

    def sees(self, model: type[Model]) -> bool:
        """Return whether the user may see rows of a model, be there a page of them or not."""
        try:
            return self.site.get_model_admin(model).has_view_permission(self.request)
        except NotRegistered:
            name = get_permission_codename("view", model._meta)
            return bool(self.request.user.has_perm(f"{model._meta.app_label}.{name}"))

    def list_url(self, model: type[Model], query: Mapping[str, str] | None = None) -> str:
        """Return where the rows are listed that fulfil a filter; "" if nowhere for this user."""
        url = self._url(model, "changelist")
        return f"{url}?{urlencode(query)}" if url and query else url

    def number(
        self, count: int, model: type[Model], query: Mapping[str, str], *, is_capped: bool = False
    ) -> SafeString | str:
        """Return a number as a link to the rows that it counts; capped it is "at least"."""
        text = formats.localize(count, use_l10n=True) + ("+" if is_capped else "")
        return self.anchor(self.list_url(model, query), text) if count else text

    def page(self, model: type[Model], key: Any, text: str) -> SafeString | str:
        """Return a link to the page of a row."""
        return self.anchor(self._url(model, "change", quote(key)), text)

    def anchor(self, url: str, text: str) -> SafeString | str:
        return format_html('<a href="{}">{}</a>', url, text) if url else text

    def _url(self, model: type[Model], page: str, *arguments: Any) -> str:
        if not self.sees(model):
            return ""
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}"
        try:
            return reverse(name, args=arguments, current_app=self.site.name)
        except NoReverseMatch:
            return ""
