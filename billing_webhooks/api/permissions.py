"""Who may ask: staff with the permissions that the admin asks for."""

from __future__ import annotations

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

VIEW_PAYLOAD = "billing_webhooks.view_payload"


class StaffWithPermissions(BasePermission):
    """
    Staff who have all permissions that the view's `needs` names for its action.

    A method that the view does not have needs what `needs` has under "".
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        user: Any = request.user
        if not (user and user.is_authenticated and getattr(user, "is_staff", False)):
            return False
        names = view.needs.get(view.action, view.needs[""])
        return bool(user.has_perms([f"billing_webhooks.{name}" for name in names]))
