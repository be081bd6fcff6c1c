"""
The schema of the API, as it is committed: `python -m tests.api.schema` writes it anew.

It is in the package, so that clients can be made of the version that is installed.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import django

PATH = Path(__file__).parent.parent.parent / "billing_webhooks" / "api" / "openapi.yaml"
SETTINGS = {
    "OAS_VERSION": "3.1.0",
    "TITLE": "django-billing-webhooks",
    "DESCRIPTION": "What customers have and what became of events, to read. Where it is served, "
    "and how people authenticate, is up to the project.",
    "VERSION": "1",
    "SERVERS": [{"url": "/billing"}],
}


def generate() -> tuple[dict[str, Any], list[str]]:
    """Return the schema as it is now, and what the generator complains of."""
    from drf_spectacular.drainage import GENERATOR_STATS
    from drf_spectacular.generators import SchemaGenerator
    from drf_spectacular.settings import patched_settings

    from billing_webhooks.api.urls import urlpatterns

    GENERATOR_STATS.reset()
    generator: Any = SchemaGenerator
    generator = generator(patterns=urlpatterns)
    with patched_settings(SETTINGS):
        found = generator.get_schema(request=None, public=True)
    complaints = [*GENERATOR_STATS._warn_cache, *GENERATOR_STATS._error_cache]
    GENERATOR_STATS.reset()
    return found, complaints


def text_of(schema: dict[str, Any]) -> str:
    from drf_spectacular import renderers

    renderer: Any = renderers.OpenApiYamlRenderer
    return str(renderer().render(schema, renderer_context={}).decode())


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    PATH.write_text(text_of(generate()[0]))
