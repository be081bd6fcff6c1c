"""Who may use what: for users, through the customers they are linked to."""

from billing_webhooks.access.users import Billing, billing_of, has_plan, users_with_plan
from billing_webhooks.models.answers import Answer

__all__ = ["Answer", "Billing", "billing_of", "has_plan", "users_with_plan"]
