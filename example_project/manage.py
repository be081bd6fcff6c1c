"""Django's command line for the example project; it can be called from any folder."""

import os
import sys
from pathlib import Path

if __name__ == "__main__":
    # Whoever calls this by its path has the folder of this file on the path, where celery.py
    # would hide Celery; what is wanted is the one above.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "example_project.settings")

    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
