"""
Empty the tables as Django's command of this name does, but for those that `migrate` fills.

Django calls it after each test that commits. To make the permissions of all models anew takes
longer than most of these tests.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.core.management.color import no_style
from django.core.management.commands import flush
from django.db import connections

FILLED = {model._meta.db_table for model in (ContentType, Permission)}


class Command(flush.Command):
    def handle(self, **options: Any) -> None:
        connection = connections[options["database"]]
        every = connection.introspection.django_table_names(only_existing=True, include_views=False)
        tables = [table for table in every if table not in FILLED]
        connection.ops.execute_sql_flush(connection.ops.sql_flush(no_style(), tables))
