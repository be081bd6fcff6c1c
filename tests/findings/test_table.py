"""
What was found out about databases, brokers, servers and libraries by trying them, and where it
is held against this app: each finding has tests that fail without its remedy, or a reason why
it cannot concern the app.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.catalogue.all_cases import CASES
from tests.once import on_one_database

on_one_database()

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Finding:
    """
    Something that bites.

    `rows` are those of the catalogue of bad input that show it; `elsewhere` says why nothing
    of it can be tried here, or not all.
    """

    what: str
    tests: tuple[str, ...] = ()
    elsewhere: str = ""
    rows: tuple[int, ...] = ()


FINDINGS: dict[int, Finding] = {
    1: Finding(
        "inserts that ignore conflicts lose or change events",
        (
            "tests.findings.test_remedies.TestInserting.test_constraint_that_is_broken__is_no_duplicate",
            "tests.endpoint.test_storing.TestCost.test_repeated_event__two_statements",
        ),
    ),
    2: Finding(
        "a broken constraint is not always a duplicate",
        (
            "tests.findings.test_remedies.TestInserting.test_constraint_that_is_broken__is_no_duplicate",
        ),
    ),
    3: Finding(
        "collations make different ids equal",
        (
            "tests.test_exact_ids.test_events__of_each_id_make_rows_of_their_own",
            "tests.test_exact_ids.test_mailboxes__of_ids_in_ascii_are_apart",
        ),
    ),
    4: Finding(
        "chunked bodies arrive empty",
        (
            "tests.test_http.TestServerOfDjango.test_chunked__asked_for_a_length",
            "tests.endpoint.test_bodies.TestBody.test_without_length__read_where_the_server_marks_the_end",
        ),
        rows=(92,),
    ),
    5: Finding(
        "bodies shorter than declared arrive as if complete",
        (),
        rows=(93, 94),
    ),
    6: Finding(
        "a broker that does not answer blocks for ever",
        ("tests.celery_engine.test_broken_brokers.test_silent__is_asked_once",),
    ),
    7: Finding(
        "a broker loses messages that it has taken",
        ("tests.celery_engine.test_waking.test_queue_flushed__the_sweep_finds_all",),
    ),
    8: Finding(
        "a broker that keeps nothing on disk loses its queue",
        ("tests.celery_engine.test_waking.test_queue_flushed__the_sweep_finds_all",),
    ),
    9: Finding(
        "a broker delivers again late, or again and again",
        (
            "tests.celery_engine.test_workers.test_sigkill__of_all_in_a_receiver__is_made_good_by_the_sweep",
            "tests.celery_engine.test_tasks.test_work__a_hundred_times_at_once_has_one_effect",
        ),
    ),
    10: Finding(
        "a killed child of a worker takes its task along",
        ("tests.celery_engine.test_workers.test_sigkill__of_a_child_in_a_receiver__is_made_good",),
    ),
    11: Finding(
        "connections that broke while nobody looked fail the next request",
        ("tests.findings.test_remedies.TestInserting.test_killed_connection__is_opened_anew",),
        "how many stale ones a pool hands out before it opens one anew is for its health checks",
    ),
    12: Finding(
        "SQLite refuses whoever reads before it writes",
        (
            "tests.endpoint.test_storing.TestCost.test_new_event__one_statement",
            "tests.test_concurrency.test_duplicates__a_hundred_at_once_are_one_event",
            "tests.checks.test_database.test_database__sqlite_that_does_not_wait_is_told",
        ),
    ),
    13: Finding(
        "deadlocks are the normal case",
        (
            "tests.findings.test_remedies.TestInserting.test_error_that_passes__is_tried_again",
            "tests.test_isolation.TestErrors.test_deadlock__passes",
            "tests.test_concurrency.test_new_customer__a_hundred_events_at_once_make_one",
        ),
    ),
    14: Finding(
        "a failing callback of the project cancels those behind it",
        (
            "tests.findings.test_remedies.TestInserting.test_callback_of_the_project__may_fail",
            "tests.test_receiver_failures.test_receiver__whose_on_commit_callback_fails_is_not_run_again",
        ),
    ),
    15: Finding(
        "access, ID and machine tokens are signed by the same keys",
        (),
        rows=(37,),
    ),
    16: Finding(
        "checks of registered claims refuse genuine events",
        (),
        rows=(33, 34, 35),
    ),
    17: Finding(
        "what answers instead of a key set raises anything, is endless, or trickles",
        (
            "tests.kinde.keys.test_answers.test_trickle__given_up",
            "tests.kinde.keys.test_usable_keys.test_published_private_key__verifies_and_is_told",
        ),
        rows=(49, 50, 51, 52, 53, 54, 56, 57),
    ),
    18: Finding(
        "keys are forgotten while their origin is down, and fetched for every unknown one",
        (
            "tests.kinde.keys.test_key_set.test_keys__outlive_kinde",
            "tests.kinde.keys.test_key_set.test_flood_of_unknown_kids__no_fetch_within_the_cool_down",
            "tests.kinde.keys.test_key_set.test_known_key__verified_while_an_unknown_one_is_fetched",
            "tests.flood.test_memory.test_unknown_keys__a_thousand_of_250_kib",
        ),
    ),
    19: Finding(
        "white space around a token, and other spellings of it",
        ("tests.vectors.test_verdicts.test_vector__gets_its_verdict",),
        rows=(21, 23),
    ),
    20: Finding(
        "the standard library reads UTF-16, UTF-32 and encoded surrogates",
        ("tests.vectors.test_json.TestReader.test_no_json__refused_without_a_word_of_it",),
        rows=(27, 69, 70),
    ),
    21: Finding(
        "no database stores every JSON document as it is",
        (
            "tests.vectors.test_json.TestBillaBear.test_body__is_no_event_and_is_kept",
            "tests.vectors.test_json.TestKinde.test_part_of_a_payload__decides",
            "tests.billabear.test_bodies.test_text__stored_as_far_as_it_can_be",
        ),
        rows=(29, 32, 71, 72, 73),
    ),
    22: Finding(
        "operational errors that never pass",
        (
            "tests.findings.test_remedies.TestInserting.test_error_that_does_not_pass__is_tried_once",
            "tests.findings.test_remedies.test_operational_error_of_postgresql__passes_or_not",
            "tests.findings.test_remedies.test_operational_error_of_mysql__passes_or_not",
        ),
    ),
    23: Finding(
        "one sender takes 200 alone for success, the other sends equal bytes for two events",
        (
            "tests.contract.ProviderContract.test_unknown_type__kept",
            "tests.billabear.test_state.TestSubscriptions.test_two_equal_seat_changes__two_events",
            "tests.billabear.test_bodies.test_same_unreadable_body_twice__two_in_quarantine",
        ),
        rows=(26, 41, 77, 84),
    ),
    24: Finding(
        "a few slow senders occupy every worker of a server",
        ("tests.catalogue.test_at_once.test_slow_bodies__keep_nobody_out",),
        "a worker is occupied before the app is called: it takes a server with threads or a proxy",
    ),
    25: Finding(
        "a database host that does not answer is waited for",
        ("tests.test_http.test_database_down__come_again",),
        "how long a driver waits for a connection stands in the project's DATABASES",
    ),
    26: Finding(
        "secrets that are not ASCII cannot be compared as texts",
        (
            "tests.billabear.test_verification.test_wrong_secret__refused_without_a_query",
            "tests.billabear.test_verification.test_percent_encoded_secret__is_decoded",
            "tests.fuzzing.test_billabear.test_any_delivery__is_let_in_if_it_knows_a_secret",
        ),
        rows=(66,),
    ),
    27: Finding(
        "only killing processes shows whether anything is lost or done twice",
        (
            "tests.test_chaos.test_package__loses_nothing_and_does_nothing_twice",
            "tests.test_chaos.test_sabotage__is_noticed",
        ),
    ),
    28: Finding(
        "what is half installed fails when the first message is sent",
        (
            "tests.celery_engine.test_processes.test_request__without_what_it_takes_to_wake_somebody",
            "tests.celery_engine.test_broken_brokers.test_result_backend__that_is_half_installed",
        ),
    ),
    29: Finding(
        "libraries take keys for another purpose, too small ones and sets of all kinds",
        (
            "tests.vectors.test_verdicts.test_vector__gets_its_verdict",
            "tests.vectors.test_answers.test_vector__gets_its_answer",
            "tests.kinde.keys.test_usable_keys.test_unusable_key__passed_over",
        ),
    ),
}


def functions(path: Path) -> Iterator[str]:
    """Yield the names of a module's functions, those of a class as `Class.function`."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef):
            yield node.name
        elif isinstance(node, ast.ClassDef):
            yield from (
                f"{node.name}.{inner.name}"
                for inner in node.body
                if isinstance(inner, ast.FunctionDef)
            )


def exists(name: str) -> bool:
    """Return whether there is a test of this dotted name."""
    parts = name.split(".")
    for length in range(1, len(parts)):
        path = ROOT.joinpath(*parts[:length]).with_suffix(".py")
        if path.is_file():
            return ".".join(parts[length:]) in functions(path)
    return False


def test_findings__are_all_here() -> None:
    assert list(FINDINGS) == list(range(1, 30))


@pytest.mark.parametrize("finding", FINDINGS.values(), ids=lambda finding: finding.what)
def test_finding__has_tests_or_a_reason(finding: Finding) -> None:
    assert finding.tests or finding.rows or finding.elsewhere
    assert set(finding.rows) <= {row for case in CASES for row in case.rows}
    assert [name for name in finding.tests if not exists(name)] == []
    assert all(".test_" in name for name in finding.tests)


def test_name_of_no_test__is_told() -> None:
    assert not exists("tests.findings.test_table.test_that_is_not_there")
    assert not exists("tests.nowhere.test_that_is_not_there")
