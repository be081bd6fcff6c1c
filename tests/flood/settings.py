"""The settings of the tests, with the key set of `kinde` at a place that the tests serve."""

import os

from tests.settings import *  # noqa: F403
from tests.settings import BILLING_WEBHOOKS_PROVIDERS

BILLING_WEBHOOKS_PROVIDERS = {
    **BILLING_WEBHOOKS_PROVIDERS,
    "kinde": {
        "BACKEND": "billing_webhooks.providers.kinde.KindeProvider",
        "OPTIONS": {"ISSUER": os.environ["FLOOD_ISSUER"]},
    },
}
