"""Settings of the test project with billing on an alias of its own."""

from tests.settings import *  # noqa: F403
from tests.settings import DATABASES, _folder

DATABASES["billing"] = {**DATABASES["default"], "TEST": {"NAME": f"{_folder.name}/billing.sqlite3"}}
DATABASE_ROUTERS = ["tests.split.router.BillingRouter"]
