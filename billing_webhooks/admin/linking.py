"""Pages on which a user is linked to a customer, or no longer: asked first, and then done."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import router, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.text import Truncator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from billing_webhooks.admin.customer_page import CustomerPage
from billing_webhooks.admin.customer_users import address_of, may_link, name_of
from billing_webhooks.admin.rendering import MAX_NAME, visible
from billing_webhooks.exceptions import NotAUser
from billing_webhooks.finding import users_called
from billing_webhooks.models import Customer, CustomerLink

logger = logging.getLogger("billing_webhooks.admin")

MAX_FOUND = 20
LONGEST = 254
TEMPLATES = "admin/billing_webhooks/customer"

View = Callable[[HttpRequest, Customer], HttpResponse]


class WhoForm(forms.Form):
    """By what a user is found: nobody has to read a list of all of them."""

    who = forms.CharField(
        label=_("User"),
        max_length=LONGEST,
        help_text=_("The exact name to sign in by, an e-mail address, or the primary key."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "class": "vTextField"}),
    )

    def clean_who(self) -> str:
        who: str = self.cleaned_data["who"]
        found = users_called(who)
        if not found:
            raise forms.ValidationError(_("Nobody has this name, address or primary key."))
        if len(found) > MAX_FOUND:
            raise forms.ValidationError(_("Too many have this address: give the primary key."))
        self.found = found
        return who


class KeyForm(forms.Form):
    """The primary key of a user, of whatever kind, and the user who has it."""

    user = forms.CharField(max_length=LONGEST)

    def clean_user(self) -> Any:
        model = get_user_model()
        key: Any = model._meta.pk
        # What is no key of this kind is a ValidationError, too.
        found = model._default_manager.filter(pk=key.to_python(self.cleaned_data["user"])).first()
        if found is None:
            raise ValidationError(_("There is no such user."))
        return found


class LinkingPages(CustomerPage):
    """A customer's page with those that link and unlink, for holders of `link_customer`."""

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        pages: dict[str, View] = {"link": self.link_view, "unlink": self.unlink_view}
        own = [
            path(f"<path:object_id>/{page}/", self._page(view), name=f"{name}_{page}")
            for page, view in pages.items()
        ]
        return [*own, *super().get_urls()]

    def _page(self, view: View) -> Any:
        def inner(request: HttpRequest, object_id: str) -> HttpResponse:
            request.current_app = self.admin_site.name
            customer = self.get_object(request, unquote(object_id))
            if not (may_link(request) and self.has_view_permission(request, customer)):
                raise PermissionDenied
            if customer is None:
                return self._gone(request)
            return view(request, customer)

        return self.admin_site.admin_view(inner)

    def link_view(self, request: HttpRequest, customer: Customer) -> HttpResponse:
        """Ask for a user, then whether it is the right one; then link."""
        if request.method == "POST" and "user" in request.POST:
            return self._link(request, customer)
        form = WhoForm(request.POST if request.method == "POST" else None)
        found = _people(customer, form.found) if form.is_valid() else None
        return self._shown(request, customer, "link", form=form, found=found)

    def unlink_view(self, request: HttpRequest, customer: Customer) -> HttpResponse:
        """Ask whether a user is to be unlinked; then unlink."""
        form = KeyForm(request.POST if request.method == "POST" else request.GET)
        if not form.is_valid():
            return self._nobody(request, customer)
        user = form.cleaned_data["user"]
        if request.method == "POST":
            return self._unlink(request, customer, user)
        [person] = _people(customer, [user])
        return self._shown(request, customer, "unlink", person=person)

    def _link(self, request: HttpRequest, customer: Customer) -> HttpResponse:
        form = KeyForm(request.POST)
        if not form.is_valid():
            return self._nobody(request, customer)
        user = form.cleaned_data["user"]
        try:
            with transaction.atomic(using=router.db_for_write(CustomerLink)):
                is_new = customer.link(user)
                if is_new:
                    self.log_change(
                        request,
                        customer,
                        _noted(gettext("Linked the user with the primary key"), user),
                    )
        except Customer.DoesNotExist:
            return self._gone(request)
        except NotAUser as error:
            self.message_user(request, str(error), messages.ERROR)
        except Exception:
            logger.exception("User %s could not be linked to customer %s.", user.pk, customer.pk)
            text = gettext("Nobody was linked: what hears of new links failed. The log says why.")
            self.message_user(request, text, messages.ERROR)
        else:
            self._tell_linked(request, customer, user, is_new)
        return self._back(customer)

    def _tell_linked(
        self, request: HttpRequest, customer: Customer, user: Any, is_new: bool
    ) -> None:
        parts = {"user": name_of(user)}
        if not is_new:
            text = gettext("The user %(user)s was linked already.") % parts
            return self.message_user(request, text, messages.INFO)
        logger.info("User %s linked user %s to customer %s.", request.user.pk, user.pk, customer.pk)
        text = gettext("The user %(user)s is linked, and has what this customer pays for.") % parts
        return self.message_user(request, text, messages.SUCCESS)

    def _unlink(self, request: HttpRequest, customer: Customer, user: Any) -> HttpResponse:
        parts = {"user": name_of(user)}
        with transaction.atomic(using=router.db_for_write(CustomerLink)):
            was_linked = customer.unlink(user)
            if was_linked:
                self.log_change(
                    request,
                    customer,
                    _noted(gettext("Unlinked the user with the primary key"), user),
                )
        if was_linked:
            logger.info(
                "User %s unlinked user %s from customer %s.", request.user.pk, user.pk, customer.pk
            )
            text = gettext("The user %(user)s is no longer linked to this customer.") % parts
            self.message_user(request, text, messages.SUCCESS)
        else:
            text = gettext("The user %(user)s was not linked to this customer.") % parts
            self.message_user(request, text, messages.INFO)
        return self._back(customer)

    def _nobody(self, request: HttpRequest, customer: Customer) -> HttpResponse:
        self.message_user(request, gettext("There is no such user."), messages.ERROR)
        return self._back(customer)

    def _gone(self, request: HttpRequest) -> HttpResponse:
        text = gettext("This customer is not there any more: it was merged or erased.")
        self.message_user(request, text, messages.ERROR)
        return HttpResponseRedirect(self.url_of("changelist"))

    def _back(self, customer: Customer) -> HttpResponse:
        return HttpResponseRedirect(self.url_of("change", customer))

    def _shown(
        self, request: HttpRequest, customer: Customer, page: str, **more: Any
    ) -> HttpResponse:
        titles = {"link": gettext("Link a user"), "unlink": gettext("Unlink a user")}
        context = {
            **self.admin_site.each_context(request),
            "title": titles[page],
            "opts": self.opts,
            "media": self.media,
            "customer": visible(Truncator(customer).chars(MAX_NAME)),
            "key": customer.pk,
            "urls": {name: self.url_of(name, customer) for name in ("change", "link", "unlink")},
            **more,
        }
        return TemplateResponse(request, f"{TEMPLATES}/{page}.html", context)


def _people(customer: Customer, users: list[Any]) -> list[dict[str, Any]]:
    """Return what is shown of users before anything is done, and by whom each is linked."""
    links = CustomerLink.objects.filter(customer=customer.pk, user__in=[user.pk for user in users])
    by_user = {link.user_id: link for link in links}
    return [
        {
            "key": user.pk,
            "name": name_of(user),
            "address": address_of(user),
            "link": by_user.get(user.pk),
        }
        for user in users
    ]


def _noted(text: str, user: Any) -> str:
    # The key and no name: what is noted here stays when a person is erased.
    return f"{text} {user.pk}"
