"""Columns whose meaning must not depend on the database."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

from billing_webhooks.encryption import opened, seal

if TYPE_CHECKING:
    CharField = models.CharField[str, str]
    BinaryField = models.BinaryField[bytes, bytes]
else:
    CharField, BinaryField = models.CharField, models.BinaryField


class ExactEncoder(DjangoJSONEncoder):
    """Django's encoder, which by itself cuts times to milliseconds."""

    def default(self, o: Any) -> Any:
        if not isinstance(o, datetime):
            return super().default(o)
        return o.isoformat().replace("+00:00", "Z")


class ExactCharField(CharField):
    """
    Text that is equal to another only if every character is: an id, or what serves as one.

    The usual collations of MySQL and MariaDB hold "Sub_A", "sub_a ", and "süb_a" to be
    equal, and with them a unique index would make one row of three. On PostgreSQL the
    order is that of the characters' numbers, as elsewhere, so an index finds beginnings.
    """

    def db_type(self, connection: BaseDatabaseWrapper) -> str | None:
        column = super().db_type(connection)
        if column is None or connection.vendor != "postgresql":
            return column
        # Of a unique "varchar" Django makes a second index, for LIKE, which it writes as
        # large as the first with each row. By collation "C", the first serves LIKE too.
        return column.replace("varchar", "character varying")

    def db_parameters(self, connection: BaseDatabaseWrapper) -> Any:
        parameters = super().db_parameters(connection)
        if connection.vendor == "mysql":
            is_mariadb = connection.mysql_is_mariadb  # type: ignore[attr-defined]
            # "bin" alone still ignores spaces at the end.
            parameters["collation"] = "utf8mb4_nopad_bin" if is_mariadb else "utf8mb4_0900_bin"
        elif connection.vendor == "postgresql":
            parameters["collation"] = "C"
        return parameters


class BodyField(BinaryField):
    """
    The bytes of a delivery, encrypted where BILLING_WEBHOOKS_ENCRYPTION_KEYS says so.

    What cannot be decrypted is read as `Sealed` bytes, so that everything else of the row
    can still be read, and written.
    """

    def get_db_prep_value(
        self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False
    ) -> Any:
        sealed = value if value is None else seal(_bytes(value))
        return super().get_db_prep_value(sealed, connection, prepared)

    def from_db_value(self, value: Any, expression: Any, connection: BaseDatabaseWrapper) -> Any:
        return None if value is None else opened(_bytes(value))


def _bytes(value: Any) -> bytes:
    # Drivers return other kinds of bytes, such as memoryview.
    return value if isinstance(value, bytes) else bytes(value)
