"""
Let all go wrong while events arrive, and see that none is lost and none counted twice.

    python -m tests.chaos [--seconds N] [--events N] [--seed N] [--build NAME]…

Without --build the package is tried as it is, and then builds of it that are broken on
purpose, each of which must be noticed. Exit status: 0 if all came out as it must, 1 if
not, 3 if the harness itself failed, so that nothing is known, 4 if what it needs is not
installed.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path

from tests.chaos import leaving
from tests.chaos.sabotage import SABOTAGES
from tests.servers.processes import NoServer

AS_IT_MUST, NOT_AS_IT_MUST, FAILED, NO_SERVER = 0, 1, 3, 4
HONEST = "honest"


def main(arguments: Sequence[str]) -> int:
    """Return the exit status for this script."""
    options = _options(arguments)
    leaving.listen()
    directory = Path(tempfile.mkdtemp(prefix="chaos-")).resolve()
    status = FAILED
    try:
        status = _campaign(directory, options)
    except NoServer as error:
        status = NO_SERVER
        print(f"Nothing was tried: {error}.", file=sys.stderr)
    except Exception:
        traceback.print_exc()
        print("The harness failed; nothing is known about the package.", file=sys.stderr)
    finally:
        if status in {AS_IT_MUST, NO_SERVER} or sys.exc_info()[0] is SystemExit:
            shutil.rmtree(directory)
        else:
            print(f"Every log is in {directory}.", file=sys.stderr)
    return status


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("--seconds", type=float, default=60, help="of havoc in the honest build")
    parser.add_argument("--events", type=int, default=1800, help="for the honest build")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument(
        "--build", action="append", choices=[HONEST, *SABOTAGES], help="this one, not all"
    )
    return parser.parse_args(arguments)


def _campaign(directory: Path, options: argparse.Namespace) -> int:
    from tests.chaos.servers import servers

    with servers(directory) as started:
        started.use()
        from tests.chaos.campaign import Campaign, honest

        campaign = Campaign(started, directory, options.seed)
        builds = options.build or [HONEST, *SABOTAGES]
        came_out = [
            campaign.stands(honest(options.seconds, options.events))
            if name == HONEST
            else campaign.notices(name)
            for name in builds
        ]
    return AS_IT_MUST if all(came_out) else NOT_AS_IT_MUST


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
