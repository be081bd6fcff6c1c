"""Rows of the catalogue's page that no single request shows, and the tests that show them."""

from __future__ import annotations

FIRST, LAST = 1, 115

SHOWN_ELSEWHERE: dict[int, tuple[str, ...]] = {
    48: ("tests.catalogue.test_at_once:test_a_hundred_equal_posts__one_event",),
    55: (
        "tests.kinde.keys.test_answers:test_trickle__given_up",
        "tests.kinde.keys.test_answers:test_silence__given_up",
        "tests.kinde.keys.test_key_set:test_known_key__verified_while_an_unknown_one_is_fetched",
    ),
    64: (
        "tests.kinde.keys.test_key_set:test_keys__outlive_kinde",
        "tests.kinde.keys.test_key_set:test_keys__shared_with_the_next_process",
        "tests.kinde.keys.test_kept_keys:test_restart_while_kinde_is_down__verifies",
    ),
    85: (
        "tests.billabear.test_confirmation:test_forged_payment__never_applied",
        "tests.billabear.test_confirmation:test_payment_of_another_customer__never_applied",
        "tests.billabear.test_confirmation:test_forged_status__is_that_of_the_api",
        "tests.billabear.test_confirmation:test_event_before_the_commit__applied_after_it",
    ),
    97: ("tests.catalogue.test_at_once:test_slow_bodies__keep_nobody_out",),
    103: ("tests.catalogue.test_at_once:test_sender_who_hangs_up__is_stored_all_the_same",),
    105: ("tests.endpoint.test_faults:TestFaults.test_fault_of_ours__come_again",),
    106: (
        "tests.endpoint.test_project:TestProject."
        "test_atomic_requests__event_survives_a_later_fault",
        "tests.endpoint.test_project:TestProject.test_kept_out_of_every_database_s_transaction",
    ),
    107: ("tests.test_http:test_database_down__come_again",),
    110: (
        "tests.admin_pages.test_replay:test_get__does_nothing",
        "tests.admin_pages.test_replay:test_viewer__may_not_and_is_not_offered_it",
        "tests.admin_pages.test_replay:test_other_site__cannot_post_it",
        "tests.admin_pages.test_replay:test_twice__does_no_harm",
    ),
    112: (
        "tests.admin_pages.test_permissions:test_payload__not_even_read_without_permission",
        "tests.admin_pages.test_redaction:test_look_at_a_payload__is_a_line_in_the_log",
        "tests.admin_pages.test_redaction:test_redacted__neither_payload_nor_body_shows_it",
    ),
    114: ("tests.admin_pages.test_lists:test_list__no_large_column_is_read",),
    115: (
        "tests.test_pruning:test_replayed_meanwhile__is_left",
        "tests.test_pruning:test_sent_again__is_still_a_repeat",
    ),
}
# Rows about what this package does not have: an API for other programs, and exports.
NOT_THERE = frozenset({108, 109, 111, 113})
# Rows of which a request shows one half: in what order events came. With BillaBear's API
# what is counts.
SHOWN_ELSEWHERE_TOO: dict[int, tuple[str, ...]] = {
    86: (
        "tests.billabear.test_confirmation:test_out_of_order__ends_in_what_is",
        "tests.billabear.test_confirmation:test_change_before_the_commit__waited_for",
    ),
}
