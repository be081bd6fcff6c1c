"""What can be done with customers."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from billing_webhooks.admin.actions import RowAction
from billing_webhooks.admin.confirming import EraseForm

CUSTOMER_ACTIONS = (
    RowAction(
        "erase",
        _("Erase"),
        _(
            "Deletes the customer with all that belongs to it, and empties the events about it, "
            "for good. The events stay known as repeated ones. Rows of the project's own, such as "
            "the user, stay. At the provider nothing is erased: do that first, or the next event "
            "brings the customer back."
        ),
        "erase_customer",
        form=EraseForm,
        keeps_row=False,
        is_report=True,
    ),
)
