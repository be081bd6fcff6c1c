"""
Check a built wheel as a stranger would meet it: python .ci/check_wheel.py DIRECTORY

DIRECTORY holds one wheel and one sdist. The wheel must hold every file of the package and nothing
else; installed alone, without extras, it must import, pass Django's checks and migrate.
"""

import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from pathlib import Path

PACKAGE = "billing_webhooks"
SOURCE = Path(__file__).resolve().parent.parent
REQUIRED = {f"{PACKAGE}/py.typed", f"{PACKAGE}/migrations/0001_initial.py"}

# Runs inside the new environment, outside the checkout.
TRIAL = """
import importlib.util
import sys
from pathlib import Path

import django
from django.conf import settings
from django.core.management import call_command

API = ("rest_framework", "django_filters", "drf_spectacular")
for extra in ("celery", *API, "pygal", "opentelemetry"):
    assert importlib.util.find_spec(extra) is None, f"{extra} came along"

import billing_webhooks

assert Path(billing_webhooks.__file__).is_relative_to(sys.prefix), billing_webhooks.__file__

ADMIN = ["django.contrib.sessions", "django.contrib.messages", "django.contrib.admin"]
settings.configure(
    SECRET_KEY="only for this trial" * 3,
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    INSTALLED_APPS=[
        "django.contrib.contenttypes",
        "django.contrib.auth",
        *(ADMIN if "admin" in sys.argv else []),
        "billing_webhooks",
    ],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
    ],
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "APP_DIRS": True,
            "OPTIONS": {
                "context_processors": [
                    "django.template.context_processors.request",
                    "django.contrib.auth.context_processors.auth",
                    "django.contrib.messages.context_processors.messages",
                ]
            },
        }
    ],
    USE_TZ=True,
)
django.setup()
call_command("check")
call_command("migrate", verbosity=0)
call_command("makemigrations", check=True, dry_run=True)
print("billing_webhooks", billing_webhooks.__version__, "Django", django.__version__, *sys.argv[1:])
"""


def only(directory: Path, pattern: str) -> Path:
    """Return the one file that matches `pattern`."""
    found = sorted(directory.glob(pattern))
    if len(found) != 1:
        sys.exit(f"Expected one {pattern} in {directory}, found {len(found)}")
    return found[0]


def package_files() -> set[str]:
    """Return the files of the package in the checkout, relative to it."""
    return {
        path.relative_to(SOURCE).as_posix()
        for path in (SOURCE / PACKAGE).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def check_contents(wheel: Path, sdist: Path) -> None:
    """Exit with the differences if an archive holds too little or too much."""
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    with tarfile.open(sdist) as archive:
        source = {name.partition("/")[2] for name in archive.getnames()}
    wanted = package_files() | REQUIRED
    problems = [
        *(f"not in the wheel: {name}" for name in wanted - packed),
        *(f"should not be in the wheel: {name}" for name in packed - wanted),
        *(f"not in the sdist: {name}" for name in {*wanted, "LICENSE"} - source),
    ]
    if problems:
        sys.exit("\n".join(sorted(problems)))


def try_out(wheel: Path) -> None:
    """Install the wheel into a new environment and run TRIAL there, without and with the admin."""
    with tempfile.TemporaryDirectory() as name:
        environment = Path(name) / "environment"
        venv.create(environment, with_pip=True)
        python = str(environment / "bin" / "python")
        subprocess.run([python, "-m", "pip", "install", "--quiet", wheel.resolve()], check=True)
        for arguments in ([], ["admin"]):
            trial = [python, "-I", "-W", "error", "-c", TRIAL, *arguments]
            if subprocess.run(trial, cwd=name, check=False).returncode != 0:
                sys.exit(f"{wheel.name} does not work when it is installed alone")


def main(directory: Path) -> None:
    """Check the archives in `directory`."""
    wheel = only(directory, "*.whl")
    check_contents(wheel, only(directory, "*.tar.gz"))
    try_out(wheel)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
