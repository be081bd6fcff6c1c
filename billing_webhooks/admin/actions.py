"""
What people can do with rows: asked for in a list or on a page, confirmed, worked as a job.

Each action calls what the command of that name calls, through `operating`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import uuid4

from django.contrib import admin, messages
from django.contrib.admin.options import IS_POPUP_VAR
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _

from billing_webhooks import jobs
from billing_webhooks.admin.confirming import ConfirmForm
from billing_webhooks.admin.rendering import link
from billing_webhooks.admin.results import told
from billing_webhooks.conf import settings
from billing_webhooks.models import Job

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
else:
    ModelAdmin = admin.ModelAdmin

logger = logging.getLogger("billing_webhooks.admin")

# More are a matter for the command line.
MAX_ROWS = 10_000
# So many are worked while one waits for the page.
AT_ONCE = 20
NAMED = 10


@dataclass(frozen=True)
class RowAction:
    """
    One thing that can be done with rows of a model, by those who have its permission.

    `name` is that of the action in `operating`; `explanation` says before it is confirmed
    what it does, and `applies` for which rows its button is offered.
    """

    name: str
    label: Any
    explanation: Any
    permission: str
    form: type[ConfirmForm] = ConfirmForm
    applies: Callable[[Any], bool] = lambda row: True
    # Whether it leaves its row, to which one can return.
    keeps_row: bool = True
    # Whether what it tells is what it is for.
    is_report: bool = False

    def is_permitted(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm(f"billing_webhooks.{self.permission}"))


class ActsOnRows(ModelAdmin):
    """A model's page and list with actions; `order` is the one in which rows are worked."""

    row_actions: ClassVar[tuple[RowAction, ...]] = ()
    order: ClassVar[tuple[str, ...]] = ("pk",)

    def permitted(self, request: HttpRequest) -> Iterator[RowAction]:
        yield from (each for each in self.row_actions if each.is_permitted(request))

    def get_actions(self, request: HttpRequest, action_location: Any = None) -> dict[str, Any]:
        # Django 6.1 says where: on the page of a row are buttons instead.
        where = () if action_location is None else (action_location,)
        actions: dict[str, Any] = super().get_actions(request, *where)
        is_list = getattr(action_location, "name", "CHANGE_LIST") == "CHANGE_LIST"
        if self.actions is None or IS_POPUP_VAR in request.GET or not is_list:
            return actions
        own = {
            each.name: (partial(type(self).chosen, action=each), each.name, each.label)
            for each in self.permitted(request)
        }
        return {**actions, **own}

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.do_view)
        return [path("do/<str:name>/", view, name=self._url_name("do")), *super().get_urls()]

    def _url_name(self, page: str) -> str:
        opts = self.model._meta
        return f"{opts.app_label}_{opts.model_name}_{page}"

    def action_url(self, name: str) -> str:
        """Return where an action of this name is confirmed."""
        here = self.admin_site.name
        return reverse(f"admin:{self._url_name('do')}", args=[name], current_app=here)

    def buttons(self, request: HttpRequest, row: Any) -> list[tuple[Any, str]]:
        """Return the label and the address of each action that applies to a row."""
        return [
            (each.label, f"{self.action_url(each.name)}?key={row.pk}")
            for each in self.permitted(request)
            if each.applies(row)
        ]

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **options: Any
    ) -> HttpResponse:
        context["buttons"] = self.buttons(request, context["original"])
        return super().render_change_form(request, context, *args, **options)

    def chosen(
        self, request: HttpRequest, rows: QuerySet[Any], *, action: RowAction
    ) -> HttpResponse | None:
        """Return the confirmation page for rows that were chosen in the list."""
        # In the list's own order, which has an index; sorted are the few that are left.
        keys = list(rows.values_list("pk", flat=True)[: MAX_ROWS + 1])
        if len(keys) > MAX_ROWS:
            text = _("These are more than %(most)d. Choose fewer, or use the command line.")
            self.message_user(request, text % {"most": MAX_ROWS}, messages.ERROR)
            return None
        return self._confirmation(request, action, self._sorted(keys))

    def do_view(self, request: HttpRequest, name: str) -> HttpResponse:
        """Ask for confirmation by GET, and do what was confirmed by POST."""
        action = next((each for each in self.row_actions if each.name == name), None)
        if action is None:
            raise Http404
        if not action.is_permitted(request):
            raise PermissionDenied
        if request.method != "POST":
            keys = self._known(request.GET.getlist("key")[:AT_ONCE])
            return self._confirmation(request, action, keys)
        form = action.form(request.POST)
        if not form.is_valid():
            keys = self._known((form.data.get("keys") or "").split(",")[:MAX_ROWS])
            return self._confirmation(request, action, keys, form)
        return self._do(request, action, form)

    def _keys(self, texts: Iterable[str]) -> list[Any]:
        """Return what can be keys of rows; there may be none of them."""
        keys = []
        for text in texts:
            with suppress(ValidationError):
                keys.append(self.model._meta.pk.clean(text, None))
        if not keys:
            raise Http404
        return keys

    def _known(self, texts: Iterable[str]) -> Sequence[Any]:
        """Return the keys of rows that there are."""
        if not (rows := self._sorted(self._keys(texts))):
            raise Http404
        return rows

    def _sorted(self, keys: Sequence[Any]) -> list[Any]:
        rows = self.model._default_manager.filter(pk__in=keys)
        return list(rows.order_by(*self.order).values_list("pk", flat=True))

    def _confirmation(
        self,
        request: HttpRequest,
        action: RowAction,
        keys: Sequence[Any],
        form: ConfirmForm | None = None,
    ) -> HttpResponse:
        if form is None:
            given = {**request.GET.dict(), "job": uuid4(), "keys": ",".join(map(str, keys))}
            form = action.form(initial=given)
        named = self.get_queryset(request).in_bulk(list(keys[:NAMED]))
        rows = [link(self.admin_site, named[key]) for key in keys[:NAMED] if key in named]
        opts = self.model._meta
        context = {
            **self.admin_site.each_context(request),
            "title": action.label,
            "opts": opts,
            "media": self.media,
            "action": action,
            "address": self.action_url(action.name),
            "form": form,
            "count": len(keys),
            "rows": rows,
            "unnamed": len(keys) - len(rows),
            "kind": opts.verbose_name if len(keys) == 1 else opts.verbose_name_plural,
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "admin/billing_webhooks/confirmation.html", context)

    def _do(self, request: HttpRequest, action: RowAction, form: ConfirmForm) -> HttpResponse:
        keys = self._keys(form.cleaned_data["keys"].split(",")[:MAX_ROWS])
        job, is_new = jobs.ask(
            form.cleaned_data["job"],
            action.name,
            keys,
            form.arguments,
            asked_by=request.user,
        )
        if is_new:
            logger.info(
                "User %s asked for %s of %d rows: job %s.",
                request.user.pk,
                action.name,
                len(keys),
                job.pk,
            )
            job = self._begin(request, action, job, keys)
        if job.state == Job.State.OPEN or action.is_report:
            return HttpResponseRedirect(self._address(Job, job.pk))
        for level, text in told(job):
            self.message_user(request, text, level)
        if len(keys) == 1 and action.keeps_row:
            return HttpResponseRedirect(self._address(self.model, keys[0]))
        return HttpResponseRedirect(self._address(self.model))

    def _begin(self, request: HttpRequest, action: RowAction, job: Job, keys: Sequence[Any]) -> Job:
        """Work a small job at once, and let a long one be worked in the background."""
        if (
            len(keys) == 1
            and action.keeps_row
            and (row := self.get_object(request, keys[0])) is not None
        ):
            self.log_change(request, row, str(action.label))
        if len(keys) > AT_ONCE:
            if settings.DISPATCH == "inline":
                transaction.on_commit(partial(jobs.work_in_thread, job.pk))
            return job
        try:
            return jobs.work(job.pk)
        except Exception:
            # The database was away; the sweep goes on with it.
            logger.exception("Job %s stopped.", job.pk)
            return job

    def _address(self, model: type[Model], key: Any = None) -> str:
        """Return the address of a row's page, or without a key of the list."""
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        page, args = ("changelist", []) if key is None else ("change", [key])
        return reverse(f"{name}_{page}", args=args, current_app=self.admin_site.name)
