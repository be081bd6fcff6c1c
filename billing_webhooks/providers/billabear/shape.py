"""
The shape of BillaBear's payloads: asked before an event is accepted, because what has
another shape is answered 400, and again when it is read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeAlias

from billing_webhooks.exceptions import NotUnderstood
from billing_webhooks.providers.billabear.signals import SIGNALS
from billing_webhooks.providers.paths import MAX_TYPE_LENGTH, storable

Payload: TypeAlias = Mapping[str, Any]

# Every key that is read, at any level. Standing twice in one object, it is ambiguous.
# fmt: off
KEYS = frozenset({
    "amount", "brand", "code", "country", "currency", "customer", "email", "exception",
    "has_trial", "id", "is_disabled", "message", "name", "plan", "plan_name",
    "standalone_trial", "state", "status", "subscription", "threshold",
    "trial_length_in_days", "type",
})
# fmt: on

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def checked_type(payload: Payload) -> str:
    """
    Return the type of a payload that has the objects its type promises.

    Raise NotUnderstood otherwise. Of an unknown type nothing but the type is asked.
    """
    sent = payload.get("type")
    event_type = storable(sent) if isinstance(sent, str) else ""
    if not 0 < len(event_type) <= MAX_TYPE_LENGTH:
        raise NotUnderstood("The body has no usable type.")
    if event_type in SIGNALS:
        _check_objects(event_type, payload)
    return event_type


def _check_objects(event_type: str, payload: Payload) -> None:
    if event_type == "payment_received":
        id_of(payload, "payment")
        customer = optional_object_at(payload, "customer")
        if customer is not None:
            id_of(customer, "customer")
    elif event_type.startswith("customer_"):
        id_of(object_at(payload, "customer"), "customer")
    elif event_type.startswith(("subscription_", "trial_")):
        id_of(object_at(payload, "subscription"), "subscription")
        id_of(object_at(payload, "customer"), "customer")
    elif event_type.startswith("plan_"):
        id_of(object_at(payload, "plan"), "plan")


def subject(event_type: str, payload: Payload) -> str:
    """Return whose event this is: the customer, else the object, else the type."""
    for kind, node in (
        ("customer", payload.get("customer")),
        ("plan", payload.get("plan")),
        ("payment", payload),
    ):
        external_id = node.get("id") if isinstance(node, Mapping) else None
        if isinstance(external_id, str) and _UUID.fullmatch(external_id):
            return f"{kind}:{external_id}"
    return f"type:{event_type}"


def object_at(payload: Payload, name: str) -> Payload:
    """Return the object under a name, or raise NotUnderstood."""
    value = payload.get(name)
    if not isinstance(value, Mapping):
        raise NotUnderstood(f"The body has no {name} object.")
    return value


def optional_object_at(payload: Payload, name: str) -> Payload | None:
    """Return the object under a name, None for null; raise NotUnderstood for all else."""
    return None if payload.get(name) is None else object_at(payload, name)


def id_of(node: Payload, kind: str) -> str:
    """Return the id of an object, or raise NotUnderstood."""
    value = node.get("id")
    if not (isinstance(value, str) and _UUID.fullmatch(value)):
        raise NotUnderstood(f"The {kind} has no id, or one that is no UUID.")
    return value
