"""Columns whose meaning must not depend on the database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

if TYPE_CHECKING:
    CharField = models.CharField[str, str]
else:
    CharField = models.CharField


class ExactCharField(CharField):
    """
    Text that is equal to another only if every character is: an id, or what serves as one.

    The usual collations of MySQL and MariaDB hold "Sub_A", "sub_a ", and "süb_a" to be
    equal, and with them a unique index would make one row of three.
    """

    def db_parameters(self, connection: BaseDatabaseWrapper) -> Any:
        parameters = super().db_parameters(connection)
        if connection.vendor == "mysql":
            is_mariadb = connection.mysql_is_mariadb  # type: ignore[attr-defined]
            # "bin" alone still ignores spaces at the end.
            parameters["collation"] = "utf8mb4_nopad_bin" if is_mariadb else "utf8mb4_0900_bin"
        return parameters
