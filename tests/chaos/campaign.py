"""The honest build, which must pass every check, and broken ones, which must not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from billing_webhooks.schedule import SWEEP_EVERY
from tests.chaos.figures import table
from tests.chaos.misfortunes import BRIEF, MISFORTUNES
from tests.chaos.run import Conditions, run
from tests.chaos.sabotage import SABOTAGES, build
from tests.chaos.servers import Servers
from tests.chaos.verdict import CHECKS

# Everybody at work for one customer of each provider. A broken build need not come to rest.
SABOTAGED = Conditions(
    events=300,
    customers=1,
    seconds=7,
    calm_seconds=2,
    sweep_seconds=0.5,
    pause_seconds=0.05,
    misfortunes=BRIEF,
    least_misfortunes=0,
    longest_pause_seconds=0.4,
)
TRIES = 4


def honest(seconds: float, events: int) -> Conditions:
    return Conditions(
        events=events,
        customers=8,
        seconds=seconds,
        # More than it needs: what is not done by then never will be.
        calm_seconds=180,
        sweep_seconds=SWEEP_EVERY.total_seconds(),
        pause_seconds=0.01,
        misfortunes=MISFORTUNES,
        least_misfortunes=50,
        longest_pause_seconds=0.8,
    )


@dataclass(frozen=True)
class Campaign:
    """Runs in a directory, each of which says how it came out; `seed` makes the events."""

    servers: Servers
    directory: Path
    seed: int

    def stands(self, conditions: Conditions) -> bool:
        """Return whether the package passes every check."""
        print(f"The package as it is, seed {self.seed}", flush=True)
        directory = self._directory("honest")
        package = build([], directory)
        result = run(self.servers, directory, package, self.seed, conditions, list(CHECKS))
        print(*table(result.figures), *_findings(result.problems), sep="\n")
        is_right = not any(result.problems.values())
        print("honest: all is right" if is_right else "honest: WRONG", flush=True)
        return is_right

    def notices(self, name: str) -> bool:
        """
        Return whether one of the checks that must notice a sabotage does.

        A machine that has much else to do gets little done, and so little wrong: there
        are a few tries.
        """
        sabotage = SABOTAGES[name]
        print(f"A build that {sabotage.what}", flush=True)
        for number in range(TRIES):
            directory = self._directory(f"{name}-{number}")
            package, checks = build(sabotage.edits, directory), sabotage.noticed_by
            result = run(self.servers, directory, package, self.seed + number, SABOTAGED, checks)
            if any(result.problems.values()):
                print(*_findings(result.problems), f"{name}: noticed", sep="\n", flush=True)
                return True
        print(f"{name}: NOT NOTICED", flush=True)
        return False

    def _directory(self, name: str) -> Path:
        directory = self.directory / name
        directory.mkdir()
        return directory


def _findings(problems: Mapping[str, Sequence[str]]) -> Iterator[str]:
    for check, found in problems.items():
        yield f"  {'WRONG' if found else 'right'}  {check}"
        for problem in found:
            yield f"         {problem}"
