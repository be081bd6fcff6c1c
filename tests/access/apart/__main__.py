"""Ask about a user who may use a plan and one who may not; print what is answered."""

from __future__ import annotations

import json
import os
from io import StringIO

import django
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connections
from django.test.utils import CaptureQueriesContext


def main() -> None:
    from billing_webhooks.access import billing_of, users_with_plan
    from billing_webhooks.explaining import explain
    from billing_webhooks.models import Customer, CustomerLink, Plan

    for alias in connections:
        call_command("migrate", database=alias, run_syncdb=True, verbosity=0, skip_checks=True)
    ada, bob = (get_user_model().objects.create(email=name) for name in ("ada", "bob"))
    plan = Plan.objects.create(provider="kinde", code="pro")
    customer = Customer.objects.create(provider="kinde", external_id="customer_1", plan=plan)
    CustomerLink.objects.create(customer=customer, user=ada)
    with CaptureQueriesContext(connections["default"]) as queries:
        users = [str(each) for each in users_with_plan("pro")]
    answers = {
        "users": users,
        "statements": len(queries),
        "rules": [billing_of(each).has_plan("pro").rule for each in (ada, bob)],
        "explained": [bool(explain(each, "pro")) for each in (ada, bob)],
    }
    call_command("billing_webhooks", "explain", str(ada.pk), "pro", stdout=StringIO())
    print(json.dumps(answers))


os.environ["DJANGO_SETTINGS_MODULE"] = "tests.access.apart.settings"
django.setup()
main()
