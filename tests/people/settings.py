"""Settings of that project; TESTS_BILLING_ALIAS names the database of the billing."""

from copy import deepcopy

from tests.people.routing import BILLING
from tests.settings import *  # noqa: F403
from tests.settings import DATABASES as TESTED_DATABASES
from tests.settings import INSTALLED_APPS as TESTED_APPS

DATABASES = {}
for _alias in sorted({"default", BILLING}):
    DATABASES[_alias] = deepcopy(TESTED_DATABASES["default"])
    _tested_name = str(DATABASES[_alias].get("TEST", {}).get("NAME") or "test")
    DATABASES[_alias]["TEST"] = {"NAME": f"{_tested_name}_people_{_alias}"}

DATABASE_ROUTERS = ["tests.people.routing.Router"]
AUTH_USER_MODEL = "people.Person"
INSTALLED_APPS = [*TESTED_APPS, "tests.people"]
