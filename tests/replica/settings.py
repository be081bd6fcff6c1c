"""Settings of the test project with a replica that never hears of anything by itself."""

from tests.settings import *  # noqa: F403
from tests.settings import DATABASES, _folder

DATABASES["replica"] = {**DATABASES["default"], "TEST": {"NAME": f"{_folder.name}/replica.sqlite3"}}
DATABASE_ROUTERS = ["tests.replica.router.ReplicaRouter"]
