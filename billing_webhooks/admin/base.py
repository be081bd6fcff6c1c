"""What every page of the admin shares: read-only, and as quick on millions of rows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin.exceptions import NotRegistered
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import label_for_field
from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet
from django.forms import Media
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from billing_webhooks.admin.exports import EXPORTS, Exports
from billing_webhooks.admin.paging import (
    MAX_COUNTED,
    NEWEST,
    OLDEST,
    CappedPaginator,
    KeysetChangeList,
    Ordering,
)
from billing_webhooks.admin.rendering import (
    EMPTY,
    cell,
    link,
    list_link,
    preformatted,
    show_marks,
    table,
    visible,
)
from billing_webhooks.exporting import LARGE

if TYPE_CHECKING:
    # Django's own classes take no type arguments when they run.
    ModelAdmin = admin.ModelAdmin[Any]
    TabularInline = admin.TabularInline[Any, Any]
else:
    ModelAdmin, TabularInline = admin.ModelAdmin, admin.TabularInline

MAX_RELATED = 20

# What a filter in the URL may not ask of a column: no index answers it.
BEGINNINGS = {"startswith", "istartswith", "endswith", "iendswith"}
SLOW = BEGINNINGS | {"contains", "icontains", "iexact", "regex", "iregex"}


def without_large_columns(rows: QuerySet[Any], relations: Iterable[str]) -> QuerySet[Any]:
    """Return the rows, and those they are joined with, without columns that no list needs."""
    names = large_columns(rows.model)
    for relation in relations:
        target = rows.model._meta.get_field(relation).related_model
        names += [f"{relation}__{name}" for name in large_columns(target)]
    return rows.defer(*names)


def large_columns(model: type[Model]) -> list[str]:
    """Return the names of the columns that may be large, and perhaps not even readable."""
    return [field.name for field in model._meta.concrete_fields if isinstance(field, LARGE)]


class ReadOnly:
    """Nothing can be added, changed or deleted; who may view is Django's to say."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnlyInline(ReadOnly, TabularInline):
    extra = 0
    can_delete = False


class ReadOnlyAdmin(Exports, ReadOnly, ModelAdmin):
    """
    A model's pages.

    `orderings` are what the list can be ordered by, the first unless told; what a project
    sets as `ordering` comes before them. `search_fields` are exact lookups of indexed
    columns, to which the whole search term is compared. `related` names the page's tables
    of other rows with their model, shown to those who may view it.
    """

    paginator = CappedPaginator
    actions = EXPORTS
    orderings: ClassVar[tuple[Ordering, ...]] = (NEWEST, OLDEST)
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    sortable_by = ()
    list_select_related: ClassVar[tuple[str, ...]] = ()
    readonly_fields: ClassVar[tuple[str, ...]] = ()
    related: ClassVar[dict[str, type[Model]]] = {}

    @property
    def media(self) -> Media:
        return super().media + Media(css={"all": ["billing_webhooks/admin.css"]})

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[KeysetChangeList]:
        return KeysetChangeList

    def get_orderings(self, request: HttpRequest) -> tuple[Ordering, ...]:
        """Return what the list can be ordered by, the first unless told."""
        own = self.get_ordering(request)
        return (Ordering("default", _("as usual"), own), *self.orderings) if own else self.orderings

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        path = lookup.split("__")
        # By asking often enough somebody would learn what a large column says.
        if path[0] in large_columns(self.model) or path[-1] in SLOW:
            return False
        return super().lookup_allowed(lookup, value, request)  # type: ignore[arg-type]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        # Not only the list wants an order: what completes a key that is typed does, too.
        rows = rows if rows.ordered else rows.order_by(*self.orderings[0].fields)
        return without_large_columns(rows, self.list_select_related)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        return (queryset.filter(self.matching(term)) if term else queryset), False

    def matching(self, term: str) -> Q:
        """Return the condition under which a row is found by a search term."""
        return Q(*((lookup, term) for lookup in self.search_fields), _connector=Q.OR)

    def response_action(
        self, request: HttpRequest, queryset: QuerySet[Any], *args: Any, **kwargs: Any
    ) -> HttpResponse | None:
        # Django asks the database for whatever was posted.
        if all(map(self._may_be_key, request.POST.getlist(ACTION_CHECKBOX_NAME))):
            return super().response_action(request, queryset, *args, **kwargs)
        self.message_user(request, _("These are no keys of rows."), messages.ERROR)
        return None

    def _may_be_key(self, text: str) -> bool:
        try:
            self.opts.pk.clean(text, None)
        except ValidationError:
            return False
        return "\0" not in text

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        # It heads the page and its title, and is a text of the sender's.
        context["subtitle"] = visible(context.get("subtitle") or "")
        if context.get("original") is not None:
            show_marks(context["original"])
        return super().render_change_form(request, context, *args, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        hidden = self.hidden_fields(request)
        shown = []
        for title, options in super().get_fieldsets(request, obj):
            fields = [field for field in options["fields"] if field not in hidden]
            if fields:
                shown.append((title, {**options, "fields": fields}))
        return shown

    def hidden_fields(self, request: HttpRequest) -> set[str]:
        """Return the names of the fields that are not for this request's user to see."""
        return {name for name, model in self.related.items() if not self.shows(request, model)}

    def shows(self, request: HttpRequest, model: type[Model]) -> bool:
        """Return whether this request's user may view a model's pages, and the site has them."""
        try:
            return self.admin_site.get_model_admin(model).has_view_permission(request)
        except NotRegistered:
            return False

    def link(self, row: Model | None) -> str:
        """Return a link to a row's page, or its name if the site has none."""
        return EMPTY if row is None else link(self.admin_site, row)

    def some(self, rows: QuerySet[Any], *columns: Any, **query: Any) -> SafeString:
        """
        Return a table of the first MAX_RELATED rows, with a link to the list of all.

        `columns` are names of fields or display functions; `query` is the list's filter.
        """
        opts = rows.model._meta
        relations = [
            name for name in columns if isinstance(name, str) and opts.get_field(name).is_relation
        ]
        if relations:
            rows = rows.select_related(*relations)
        found = list(without_large_columns(rows, relations)[: MAX_RELATED + 1])
        if not found:
            return format_html("{}", EMPTY)
        shown = table(
            [opts.verbose_name, *(label_for_field(name, rows.model) for name in columns)],
            (
                (self.link(row), *(cell(self.admin_site, row, name) for name in columns))
                for row in found[:MAX_RELATED]
            ),
        )
        if len(found) <= MAX_RELATED:
            return shown
        count = rows.order_by()[:MAX_COUNTED].count()
        text = _("All %(count)d in the list") if count < MAX_COUNTED else _("All in the list")
        more = list_link(self.admin_site, rows.model, query, text % {"count": count})
        return format_html("{}<p>{}</p>", shown, more)

    @admin.display(description=_("customer"), empty_value=EMPTY)
    def customer_link(self, row: Any) -> str:
        return self.link(row.customer)

    @admin.display(description=_("plan"), empty_value=EMPTY)
    def plan_link(self, row: Any) -> str:
        return self.link(row.plan)

    @admin.display(description=_("subscription"), empty_value=EMPTY)
    def subscription_link(self, row: Any) -> str:
        return self.link(row.subscription)


class ShowsError:
    @admin.display(description=_("last error"))
    def error(self, row: Any) -> str:
        return preformatted(row.last_error) if row.last_error else EMPTY
