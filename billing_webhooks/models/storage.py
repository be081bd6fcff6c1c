"""How PostgreSQL keeps the tables that become large; other databases have no such choice."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation, OperationCategory
from django.db.migrations.state import ProjectState

# By default a table is vacuumed and analysed when a fifth of it has changed. Of millions of
# events that is too late: each leaves the version behind that was pending, which whoever looks
# for pending ones finds first; and only of vacuumed pages can an index alone tell the counts.
VACUUMED_OFTEN = (
    "autovacuum_vacuum_scale_factor=0.02",
    "autovacuum_vacuum_insert_scale_factor=0.02",
    "autovacuum_analyze_scale_factor=0.02",
)


class SetStorage(Operation):
    """
    Set storage parameters of a model's table, and keep some of its columns uncompressed.

    Such a column moves out of a row of more than about 2 KB as it is, and is not written
    again when the rest of the row changes. What providers sign or we encrypt cannot be
    compressed anyway, and trying that takes longer than the rest of an INSERT.
    """

    category = OperationCategory.ALTERATION
    reduces_to_sql = True
    reversible = True

    def __init__(
        self, model_name: str, *, parameters: Sequence[str], uncompressed: Sequence[str] = ()
    ) -> None:
        self.model_name = model_name
        self.parameters = tuple(parameters)
        self.uncompressed = tuple(uncompressed)

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Change nothing: models know nothing of storage."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        self._alter(app_label, schema_editor, to_state, "SET", self.parameters, "EXTERNAL")

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        names = [parameter.partition("=")[0] for parameter in self.parameters]
        self._alter(app_label, schema_editor, from_state, "RESET", names, "EXTENDED")

    def describe(self) -> str:
        return f"Set how PostgreSQL stores {self.model_name}"

    def _alter(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        state: ProjectState,
        verb: str,
        parameters: Sequence[str],
        storage: str,
    ) -> None:
        model: type[models.Model] = state.apps.get_model(app_label, self.model_name)
        is_here = self.allow_migrate_model(schema_editor.connection.alias, model)
        if schema_editor.connection.vendor != "postgresql" or not is_here:
            return
        quote = schema_editor.connection.ops.quote_name
        actions = [f"{verb} ({', '.join(parameters)})"]
        for name in self.uncompressed:
            column = quote(str(model._meta.get_field(name).column))  # type: ignore[union-attr]
            actions.append(f"ALTER COLUMN {column} SET STORAGE {storage}")
        schema_editor.execute(f"ALTER TABLE {quote(model._meta.db_table)} {', '.join(actions)}")


# What the migration has to have; `makemigrations` does not know of it.
STORAGE = (
    SetStorage("webhookevent", parameters=VACUUMED_OFTEN, uncompressed=("body", "confirmation")),
    SetStorage("conflictingdelivery", parameters=VACUUMED_OFTEN, uncompressed=("body",)),
    SetStorage("receiverrun", parameters=VACUUMED_OFTEN),
)
