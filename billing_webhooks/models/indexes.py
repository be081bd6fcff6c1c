"""Indexes that serve the same queries on every database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.backends.ddl_references import Statement


class PartialIndex(models.Index):
    """
    An index of the rows that fulfil `where`, which are few.

    MySQL and MariaDB have no partial indexes. There it holds all rows and begins with the
    column of the condition, so that the few stand together; Django would leave out the
    condition and put nothing in its place, and warn of that (models.W037).
    """

    def __init__(self, *, fields: Sequence[str], name: str, where: models.Q, column: str) -> None:
        super().__init__(fields=fields, name=name)
        self.where = where
        self.column = column

    def create_sql(
        self,
        model: type[models.Model],
        schema_editor: BaseDatabaseSchemaEditor,
        using: str = "",
        **kwargs: Any,
    ) -> Statement:
        if schema_editor.connection.features.supports_partial_indexes:
            index = models.Index(fields=self.fields, name=self.name, condition=self.where)
        else:
            fields = [name for name in self.fields if name != self.column]
            index = models.Index(fields=[self.column, *fields], name=self.name)
        return index.create_sql(model, schema_editor, using, **kwargs)

    def deconstruct(self) -> Any:
        path, arguments, options = super().deconstruct()
        return path, arguments, {**options, "where": self.where, "column": self.column}
