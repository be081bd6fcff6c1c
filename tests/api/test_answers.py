"""Every answer is as the schema says, whatever is asked, and what it does not allow is refused."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
import yaml
from django.contrib.auth.models import User
from django.core.wsgi import get_wsgi_application
from django.db import connection
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from schemathesis.checks import CHECKS
from schemathesis.generation import GenerationMode

from billing_webhooks.models import Customer, WebhookEvent
from tests.api.asking import Ask, problem
from tests.api.schema import PATH
from tests.conftest import basic

NAMES = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
)
# Servers are stricter with values than SQLite; what is refused before is tried there enough.
IS_SERVER = connection.vendor != "sqlite"
EXAMPLES = 8 if IS_SERVER else 25
COMMITTED = yaml.safe_load(PATH.read_text())
OPERATIONS = [(path, method) for path, methods in COMMITTED["paths"].items() for method in methods]
# To empty all tables takes a server longer than to answer a hundred requests.
GROUPS = [OPERATIONS] if IS_SERVER else [[each] for each in OPERATIONS]
A_FEW = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture
def api(data: None, settings: Any) -> Any:
    """The API as it is served, asked by a superuser as often as they like."""
    scopes = ("billing_webhooks", "billing_webhooks_me", "billing_webhooks_actions")
    settings.REST_FRAMEWORK = {"DEFAULT_THROTTLE_RATES": dict.fromkeys(scopes)}
    root = User.objects.create_superuser("root", password="root")
    Customer.objects.get(external_id="customer_ada").link(root)
    schema = schemathesis.openapi.from_dict(COMMITTED)
    schema.app = get_wsgi_application()
    return schema


def there(path: str) -> dict[str, str]:
    """Return what a path has in the place of its parameters, for a row that is there."""
    event = WebhookEvent.objects.filter(state="processed").latest("received_at")
    names = {
        "customers": "customer_ada",
        "plans": "pro",
        "subscriptions": "agreement_ada",
        "payments": "pay_ada",
        "usage": "~event:usage_ada",
        "events": str(event.pk),
    }
    kind = path.removeprefix("/v1/").removeprefix("me/").partition("/")[0]
    found = {"provider": "kinde", "id": names.get(kind, "")}
    return {name: value for name, value in found.items() if f"{{{name}}}" in path}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("operations", GROUPS, ids=lambda group: " ".join(group[0]))
def test_answers__are_as_the_schema_says(api: Any, operations: Any) -> None:
    for path, method in operations:
        assert statuses(api[path][method], path) & {200, 409}, (path, method)


def statuses(operation: Any, path: str) -> set[int]:
    """Return what a few requests are answered, each of them as the schema says."""
    checks = CHECKS.get_by_names(NAMES)
    seen: set[int] = set()

    @A_FEW
    @seed(1)
    @given(case=cases(operation), is_there=st.booleans())
    def ask(case: Any, is_there: bool) -> None:
        if is_there:
            case.path_parameters = there(path)
        answer = case.call(headers={"Authorization": basic("root", "root")})
        case.validate_response(answer, checks=checks)
        seen.add(answer.status_code)

    ask()
    return seen


@pytest.mark.django_db
def test_parameters__that_are_unknown_are_refused_everywhere(ask: Ask, data: None) -> None:
    """The schema has no word for it, so nobody makes such requests of it."""
    answers = {
        (path, method): ask(path.format(**there(path)).removeprefix("/v1/"), method, nobody="1")
        for path, method in OPERATIONS
    }

    assert {problem(each, 400) for each in answers.values()} == {"unknown_parameter"}


def cases(operation: Any) -> st.SearchStrategy[Any]:
    """Return requests of which most are as the schema allows, and others surely are not."""
    allowed = operation.as_strategy()
    return st.one_of(allowed, allowed, operation.as_strategy(GenerationMode.NEGATIVE))
