"""DATABASE_URL: sqlite:///path, postgres://user:password@host:port/name, or mysql://… likewise."""

from typing import Any
from urllib.parse import unquote, urlsplit

# A SQLite transaction that begins with a read cannot wait for its turn to write, and
# with a write-ahead log readers and the writer do not block each other.
SQLITE_OPTIONS = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL",
}
ENGINES = {
    "postgres": "django.db.backends.postgresql",
    "postgresql": "django.db.backends.postgresql",
    "mysql": "django.db.backends.mysql",
}


def database_config(url: str) -> dict[str, Any]:
    """Return Django's configuration of the database at a URL."""
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": unquote(parts.path[1:]),
            "OPTIONS": dict(SQLITE_OPTIONS),
        }
    return {
        "ENGINE": ENGINES[parts.scheme],
        "NAME": unquote(parts.path[1:]),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        # Seconds; without it, a server that hangs is waited for without end.
        "OPTIONS": {"connect_timeout": 10},
    }
