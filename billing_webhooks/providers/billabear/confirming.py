"""What BillaBear's API says of the things that an event is about."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from billing_webhooks.exceptions import NotConfirmed
from billing_webhooks.providers.billabear.client import Client
from billing_webhooks.providers.billabear.shape import Payload, id_of, object_at

# Some events leave before the commit that they tell of, and until then the API says what
# was before. Later its word counts, whatever the event says.
PATIENCE = timedelta(seconds=5)

# Of a payment that is pending or has failed nothing was received.
RECEIVED = frozenset({"completed", "disputed", "partially_refunded", "fully_refunded"})
DISABLED = "disabled"
OF_NO_OBJECT = ("integration_", "tax_", "usage_")

Said = dict[str, Any]


def confirm(
    client: Client, event_type: str, payload: Payload, *, may_wait: bool
) -> Mapping[str, Any] | None:
    """Return what takes the place of the event's own objects, None if it has none."""
    if event_type.startswith(OF_NO_OBJECT):
        return None
    said: Said = {}
    if event_type.startswith("plan_"):
        said["plan"] = _plan(client, payload, is_deleted=event_type == "plan_deleted")
    customer = payload.get("customer")
    if isinstance(customer, Mapping) and isinstance(customer.get("id"), str):
        said["customer"] = _customer(client, payload)
    if event_type == "payment_received":
        said |= _payment(client, payload)
    if event_type.startswith(("subscription_", "trial_")):
        said["subscription"] = _subscription(client, payload)
    if may_wait and _contradicts(said, payload):
        raise NotConfirmed("BillaBear's API says something else as yet.", after=PATIENCE)
    return said or None


def _customer(client: Client, payload: Payload) -> Said:
    found = client.customer(id_of(object_at(payload, "customer"), "customer"))
    status = found.get("status")
    if not isinstance(status, str):
        raise NotConfirmed("BillaBear's API says no status of the customer.")
    return {
        "id": found["id"],
        "email": found.get("email"),
        "brand": found.get("brand"),
        "status": status,
        "is_disabled": status == DISABLED,
    }


def _subscription(client: Client, payload: Payload) -> Said:
    customer = id_of(object_at(payload, "customer"), "customer")
    external_id = id_of(object_at(payload, "subscription"), "subscription")
    found = client.subscription(customer, external_id)
    status, plan = found.get("status"), found.get("plan")
    if not isinstance(status, str):
        raise NotConfirmed("BillaBear's API says no status of the subscription.")
    name = plan.get("name") if isinstance(plan, Mapping) else None
    return {"id": external_id, "status": status, "plan_name": name}


def _payment(client: Client, payload: Payload) -> Said:
    customer = payload.get("customer")
    whose = id_of(customer, "customer") if isinstance(customer, Mapping) else None
    found = client.payment(id_of(payload, "payment"), whose)
    if found.get("status") not in RECEIVED:
        raise NotConfirmed("By BillaBear's API the payment was not received.")
    amount = found.get("amount")
    if isinstance(amount, bool) or not isinstance(amount, int) or amount != payload["amount"]:
        raise NotConfirmed("By BillaBear's API the payment has another amount.")
    return {"amount": amount, "currency": found.get("currency")}


def _plan(client: Client, payload: Payload, *, is_deleted: bool) -> Said:
    external_id = id_of(object_at(payload, "plan"), "plan")
    found = client.plan(external_id)
    if is_deleted:
        if found is not None:
            raise NotConfirmed("BillaBear's API knows the plan still.")
        # What the event says besides can no longer be compared with anything.
        return {"id": external_id}
    if found is None:
        raise NotConfirmed("BillaBear's API knows no such plan.")
    return {
        "id": external_id,
        "name": found.get("name"),
        "code": found.get("code_name"),
        "has_trial": found.get("has_trial"),
        "trial_length_in_days": found.get("trial_length_days"),
        "standalone_trial": found.get("is_trial_standalone"),
    }


def _contradicts(said: Said, payload: Payload) -> bool:
    """Return whether something has another value in the event, in which it need not be at all."""
    for name, value in said.items():
        sent = payload.get(name)
        if isinstance(value, Mapping) and isinstance(sent, Mapping):
            if any(key in sent and sent[key] != each for key, each in value.items()):
                return True
        elif name in payload and sent != value:
            return True
    return False
