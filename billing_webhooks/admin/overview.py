"""The overview: how everything stands, each number a link to the list behind it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import formats, timezone
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing_webhooks.admin import charts
from billing_webhooks.admin.behind import Behind
from billing_webhooks.admin.rendering import EMPTY, visible
from billing_webhooks.models import Heartbeat, ReceiverRun, RefusalCount, WebhookEvent
from billing_webhooks.overview import AliasOverview, Keys, Overview, overview
from billing_webhooks.overview.counting import FATES, Counts, Span
from billing_webhooks.overview.figures import FailingReceiver, Undone
from billing_webhooks.vitals import Problem
from billing_webhooks.wording import span

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
else:
    ModelAdmin = admin.ModelAdmin

URL_NAME = "billing_webhooks_overview"
NAMES: Mapping[str, Promise | str] = {
    fate: WebhookEvent.State(state).label
    if outcome in {None, ""}
    else WebhookEvent.Outcome(outcome).label
    for fate, (state, outcome) in FATES.items()
}
UNSUCCEEDED = ",".join(
    state.value for state in ReceiverRun.State if state != ReceiverRun.State.SUCCEEDED
)
# What a problem is about → what its link says.
TO_DO: Mapping[str, Promise] = {
    "sweep": gettext_lazy("See when sweeps were run"),
    "due": gettext_lazy("See the pending events"),
    "worker": gettext_lazy("See the pending events"),
    "dead": gettext_lazy("See the dead events"),
    "silence": gettext_lazy("See what came before"),
    "receivers": gettext_lazy("See which, and why"),
}
# The same, where it is a command that says more.
TO_RUN: Mapping[str, str] = {"configuration": "check", "keys": "billing_webhooks doctor"}


class ShowsOverview(ModelAdmin):
    """The pages of events, with the overview of all of them."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.overview_view)
        return [path("overview/", view, name=URL_NAME), *super().get_urls()]

    def overview_view(self, request: HttpRequest) -> TemplateResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        request.current_app = self.admin_site.name
        context = {
            **self.admin_site.each_context(request),
            **Page(self.admin_site, request, overview()).context(),
            "title": _("Overview"),
            "opts": self.opts,
            "media": self.media,
        }
        return TemplateResponse(request, "admin/billing_webhooks/overview.html", context)


class Page:
    """An overview as one user may see it, on one site."""

    def __init__(self, site: AdminSite, request: HttpRequest, overview: Overview) -> None:
        self.behind = Behind(site, request)
        self.overview = overview

    def context(self) -> dict[str, Any]:
        found = self.overview
        return {
            "overview": found,
            "problems": list(self._problems()),
            "shows_refusals": self.behind.sees(RefusalCount),
            "shows_receivers": self.behind.sees(ReceiverRun),
            "aliases": [self._alias(each) for each in found.aliases],
            "receivers": [self._receiver(each) for each in found.receivers],
            "last_sweep": self._sweep(found.health.last_sweep),
        }

    def _problems(self) -> Iterator[tuple[str, SafeString | str]]:
        for problem in self.overview.problems:
            if problem.about != "receivers" or self.behind.sees(ReceiverRun):
                yield visible(problem.text), self._to_do(problem)

    def _to_do(self, problem: Problem) -> SafeString | str:
        if command := TO_RUN.get(problem.about):
            return format_html("<code>manage.py {}</code>", command)
        pending = self.behind.list_url(WebhookEvent, {"state__exact": "pending"})
        urls = {
            "sweep": self.behind.list_url(Heartbeat),
            "due": pending,
            "worker": pending,
            "dead": self.behind.list_url(WebhookEvent, {"state__exact": "dead"}),
            "silence": self.behind.list_url(WebhookEvent, {"provider": problem.alias}),
            "receivers": "#receivers",
        }
        url = urls.get(problem.about, "")
        return format_html('<a href="{}">{}</a>', url, TO_DO[problem.about]) if url else ""

    def _alias(self, each: AliasOverview) -> dict[str, Any]:
        name = visible(each.alias)
        return {
            "name": name,
            "is_configured": each.is_configured,
            "silence": visible(each.silence(self.overview.at)),
            "last": self._event(each.rhythm.last_key, each.rhythm.last_at),
            "usual_gap": EMPTY if each.rhythm.usual_gap is None else span(each.rhythm.usual_gap),
            "pending": self._undone(each, "pending", each.pending),
            "oldest": self._event(each.pending.oldest_key, each.pending.oldest_at),
            "dead": self._undone(each, "dead", each.dead),
            "quarantined": self._undone(each, "quarantined", each.quarantined),
            "refusals": list(self._refusals(each)),
            "refused": self._refused(each),
            "keys": self._keys(each.keys),
            "hours": self._chart(
                each, each.hours, _("%(alias)s: events per hour, last 24 hours"), _time
            ),
            "days": self._chart(
                each, each.days, _("%(alias)s: events per day, last 30 days"), _date
            ),
        }

    def _chart(self, each: AliasOverview, counts: Counts, title: str, label: Any) -> SafeString:
        def url(fate: str, place: int) -> str:
            state, outcome = FATES[fate]
            query = {
                "provider": each.alias,
                "state__exact": state,
                "received_at__gte": counts.spans[place].begin.isoformat(),
                "received_at__lt": counts.spans[place].end.isoformat(),
            }
            of_outcome = {} if outcome is None else {"outcome__exact": outcome}
            return self.behind.list_url(WebhookEvent, query | of_outcome)

        return charts.stacked_bars(
            title % {"alias": each.alias},
            [label(each) for each in counts.spans],
            counts.by_fate,
            url,
            {fate: str(name) for fate, name in NAMES.items()},
        )

    def _undone(self, each: AliasOverview, state: str, undone: Undone) -> SafeString | str:
        query = {"provider": each.alias, "state__exact": state}
        return self.behind.number(undone.count, WebhookEvent, query, is_capped=undone.is_capped)

    def _refusals(self, each: AliasOverview) -> Iterator[dict[str, Any]]:
        for refused in each.refused:
            query = {
                "provider": each.alias,
                "reason__exact": refused.reason,
                "day__gte": refused.since.isoformat(),
            }
            yield {
                "reason": visible(refused.reason),
                "count": self.behind.number(refused.count, RefusalCount, query),
                "last": self._ago(refused.last_at),
                "advice": visible(each.advice_on(refused.reason)) or EMPTY,
            }

    def _refused(self, each: AliasOverview) -> SafeString | str:
        if not each.refused:
            return "0"
        query = {"provider": each.alias, "day__gte": each.refused[0].since.isoformat()}
        total = sum(refused.count for refused in each.refused)
        return self.behind.number(total, RefusalCount, query)

    def _receiver(self, each: FailingReceiver) -> dict[str, Any]:
        query = {
            "receiver__exact": each.receiver,
            "signal__exact": each.signal,
            "state__in": UNSUCCEEDED,
        }
        error = visible(each.error) or _("It has not ended.")
        return {
            "name": visible(each.receiver),
            "signal": visible(each.signal),
            "count": self.behind.number(each.count, ReceiverRun, query, is_capped=each.is_capped),
            "first": self._ago(each.first_at),
            "last": self._ago(each.last_at),
            "error": self.behind.page(ReceiverRun, each.run_key, error),
        }

    def _event(self, key: Any, at: datetime | None) -> SafeString | str:
        return EMPTY if at is None else self.behind.page(WebhookEvent, key, self._ago(at))

    def _sweep(self, at: datetime | None) -> SafeString | str:
        text = _("never") if at is None else self._ago(at)
        return self.behind.anchor(self.behind.list_url(Heartbeat), text)

    def _keys(self, keys: Keys | None) -> SafeString | str:
        if keys is None:
            return ""
        if keys.fetched_at is None:
            return _("No keys yet: they are fetched for the first delivery.")
        return format_html(
            _("Keys: {published} published, {vanished} published no more; fetched {ago}."),
            published=keys.published,
            vanished=keys.vanished,
            ago=self._ago(keys.fetched_at),
        )

    def _ago(self, at: datetime) -> SafeString:
        ago = _("%(span)s ago") % {"span": span(max(self.overview.at - at, at - at))}
        exact = formats.localize(timezone.localtime(at))
        return format_html('<time datetime="{}" title="{}">{}</time>', at.isoformat(), exact, ago)


def _time(each: Span) -> str:
    return formats.date_format(timezone.localtime(each.begin), "TIME_FORMAT")


def _date(each: Span) -> str:
    return formats.date_format(timezone.localtime(each.begin), "SHORT_DATE_FORMAT")
