"""Settings of a probe's process, on the database that TESTS_DATABASE describes."""

import json
import os

from tests.settings import *  # noqa: F403

DATABASES = {"default": json.loads(os.environ["TESTS_DATABASE"])}
