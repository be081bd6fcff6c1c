"""How much room the tables take."""

from __future__ import annotations

from collections.abc import Iterator

from django.apps import apps
from django.db import connection

from benchmarks.large.figures import Size

# Of a table: its rows, what was moved out of them because it is long, and its indexes.
OF_POSTGRESQL = """
    SELECT pg_relation_size(oid),
        CASE reltoastrelid WHEN 0 THEN 0 ELSE pg_total_relation_size(reltoastrelid) END,
        pg_indexes_size(oid)
    FROM pg_class WHERE oid = %s::regclass
"""


def sizes(database: str, events: int) -> Iterator[Size]:
    """Yield what each table takes that has rows; of SQLite the whole database, as if of events."""
    with connection.cursor() as cursor:
        if connection.vendor != "postgresql":
            cursor.execute("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
            [whole] = cursor.fetchone()
            yield Size(database, events, "everything, by event", events, {"file": whole})
            return
        for model in apps.get_app_config("billing_webhooks").get_models():
            rows = model._base_manager.count()
            cursor.execute(OF_POSTGRESQL, [model._meta.db_table])
            parts = dict(zip(("rows", "long values", "indexes"), cursor.fetchone(), strict=True))
            if rows >= events // 20:
                yield Size(database, events, str(model._meta.verbose_name_plural), rows, parts)
