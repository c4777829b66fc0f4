"""Rows whose tests are elsewhere, and whether every row that is delivered has one."""

import re
from pathlib import Path

import httpx2
import pytest

from tests.api.threats.attack import CANARY

HERE = Path(__file__).parent
TESTS = HERE.parents[1]

ROWS = {
    *range(1, 16),
    17,
    18,
    19,
    *range(20, 36),
    *range(37, 44),
    45,
    46,
    47,
    57,
    58,
    59,
    60,
    66,
    67,
    68,
    69,
    70,
    72,
    73,
    78,
    82,
    83,
    *range(99, 110),
    113,
    114,
}

AUTH = "api/pybase/test_auth.py"
HEADERS = "api/pybase/test_headers.py"
RACES = "commands/test_races.py"
BATCHES = "api/pybase/test_batches.py"
OAUTH = "api/cms/test_oauth.py"
LIMITS = "api/test_limits.py"
WEBHOOKS = "api/pybase/test_webhooks.py"
HIDDEN = "api/cms/test_public_hidden.py"
HTML = "api/cms/test_public_html.py"
PAST = "api/cms/test_public_past.py"
CACHE = "api/cms/test_public_cache.py"
PUBLIC = "api/cms/test_public.py"
SPELLINGS = "commands/outbound/test_spellings.py"
CALLS = "commands/outbound/test_calls.py"
PERFORMING = "workers/deliveries/test_performing.py"

# the rows that these cover whole
COVERED = {
    4: {
        AUTH: [
            "test_a_refresh_token_does_not_let_in",
            "test_an_access_token_is_not_traded",
            "test_a_token_with_wrong_claims_is_no_token",
            "test_a_token_of_another_key_is_no_token",
        ]
    },
    5: {
        AUTH: [
            "test_one_of_fifty_trades_of_one_token_wins",
            "test_a_double_click_does_not_end_the_session",
        ]
    },
    6: {AUTH: ["test_a_used_token_that_comes_back_later_ends_the_session"]},
    39: {
        HEADERS: [
            "test_one_of_twenty_changes_of_one_version_is_made",
            "test_changes_of_different_fields_are_all_kept",
            "test_a_change_of_another_version_is_told_what_came_since",
        ],
        RACES: [
            "test_updates_of_different_fields_of_one_record_are_all_kept",
            "test_of_many_with_one_version_one_wins",
        ],
    },
    40: {
        HEADERS: [
            "test_twenty_twins_have_one_effect",
            "test_the_same_key_with_another_request_is_refused",
            "test_another_users_key_is_another_key",
            "test_a_key_that_is_none_is_a_bad_request",
        ],
        "commands/test_idempotency.py": [
            "test_twenty_at_once_through_three_processes_have_one_effect",
            "test_the_same_key_in_another_workspace_is_another_key",
        ],
    },
    70: {
        WEBHOOKS: [
            "test_threat_70_headers_that_are_not_its_own_are_refused",
            "test_threat_70_no_value_of_a_header_is_ever_shown_again",
        ]
    },
    45: {
        "api/pybase/test_export.py": [
            "test_threat_45_a_text_is_never_a_formula_and_json_has_it_as_it_is",
            "test_threat_45_numbers_stay_numbers_and_names_are_guarded",
            "test_threat_45_a_long_run_of_what_is_passed_over_takes_no_time",
            "test_an_export_is_a_file",
        ]
    },
    43: {
        RACES: ["test_row_numbers_are_unique_and_rise_under_load"],
        "api/pybase/test_records.py": [
            "test_an_autonumber_counts_up_and_is_never_used_again"
        ],
    },
    99: {
        OAUTH: [
            "test_threat_99_a_state_is_missing_made_up_or_used",
            "test_threat_99_a_state_is_of_the_browser_that_began",
            "test_threat_99_a_sign_in_that_took_too_long",
            "test_threat_99_a_code_of_another_sign_in_does_not_fit",
        ]
    },
    100: {
        OAUTH: [
            "test_threat_100_a_browser_is_sent_only_to_origins_that_are_named",
            "test_threat_100_the_way_back_is_looked_at_again",
        ],
        "process/test_settings.py": ["test_where_browsers_may_be_sent_is_named"],
    },
    101: {
        OAUTH: [
            "test_threat_101_an_address_has_a_code_that_is_good_once",
            "test_threat_101_a_code_is_of_whoever_has_the_verifier",
            "test_threat_101_a_code_is_good_for_a_minute",
        ]
    },
    102: {
        OAUTH: [
            "test_threat_102_an_address_that_is_not_verified_links_nothing",
            "test_threat_102_a_verified_address_links_by_the_accounts_password",
            "test_threat_102_a_wrong_password_links_nothing",
            "test_threat_102_an_account_without_a_password_is_not_linked_by_one",
        ]
    },
    57: {
        SPELLINGS: [
            "test_threat_57_no_spelling_of_an_inner_address_is_called",
            "test_threat_57_what_the_system_makes_of_a_number_is_judged",
            "test_threat_57_only_http_and_its_ports",
            "test_the_canary_sees_who_calls_it",
        ],
        "commands/outbound/test_guard.py": [
            "test_what_is_somewhere_within_is_not_public",
            "test_a_url_that_programs_may_read_differently_is_refused",
        ],
        CALLS: ["test_tls_is_by_the_urls_host"],
    },
    58: {
        CALLS: [
            "test_threat_58_what_was_judged_is_what_is_connected_to",
            "test_threat_58_one_inner_address_among_public_ones_refuses_all",
        ]
    },
    59: {
        CALLS: ["test_threat_59_a_redirect_is_not_followed"],
        PERFORMING: ["test_a_redirect_is_a_failure_and_is_not_followed"],
    },
    60: {
        "api/pybase/test_deliveries.py": [
            "test_threat_60_a_test_is_guarded_like_every_call",
            "test_a_redirect_is_told_and_not_followed",
        ]
    },
    66: {
        PERFORMING: [
            "test_threat_66_killed_after_the_reply_it_is_sent_again_with_the_same_id"
        ],
        "commands/outbound/test_receiving.py": [
            "test_a_message_counts_once_whatever_is_killed_and_sent_again"
        ],
    },
    67: {
        PERFORMING: [
            "test_threat_67_whatever_a_receiver_does_is_a_failure_that_is_told",
            "test_threat_67_of_a_reply_of_10_gb_the_beginning_is_read",
            "test_what_fails_is_tried_again_as_the_schedule_has_it_and_is_dead_at_the_end",
            "test_a_receiver_says_when_to_come_again_within_an_hour",
            "test_410_turns_the_webhook_off_and_what_waits_fails",
            "test_five_days_of_nothing_but_failures_turn_a_webhook_off",
        ],
        CALLS: [
            "test_threat_67_a_packed_reply_is_not_unpacked",
            "test_threat_67_of_an_endless_reply_the_beginning_is_read",
            "test_threat_67_a_reply_in_crumbs_is_read_up_to_its_size_on_the_wire",
            "test_threat_67_what_is_no_reply_is_none",
            "test_threat_67_all_of_a_call_has_one_time",
            "test_threat_67_a_certificate_of_another_host_or_of_nobody_is_not_good",
        ],
    },
    73: {
        PERFORMING: [
            "test_threat_73_deleted_or_turned_off_while_it_waits_it_is_not_sent",
            "test_deleted_while_it_is_sent_what_comes_of_that_is_still_written_down",
        ],
        "workers/deliveries/test_registry.py": [
            "test_threat_73_what_changed_since_is_seen_at_the_next_try"
        ],
        "api/pybase/test_webhooks.py": [
            "test_a_365_and_threat_73_a_deletion_ends_its_secrets"
        ],
    },
    69: {
        "commands/outbound/test_signing.py": [
            "test_threat_69_what_is_signed_here_is_genuine_there",
            "test_threat_69_what_is_signed_there_is_genuine_here",
            "test_threat_69_what_was_tampered_with_is_not_genuine",
            "test_threat_69_another_body_is_not_genuine",
            "test_threat_69_a_message_is_good_for_five_minutes_either_way",
            "test_threat_69_while_secrets_change_both_are_good_and_then_the_new_one_is",
            "test_threat_69_an_id_has_no_full_stop",
        ]
    },
    103: {
        HIDDEN: [
            "test_a_private_field_never_leaves",
            "test_a_field_that_becomes_private_is_gone_at_once_and_so_is_its_order",
            "test_an_order_by_a_private_field_is_refused_as_one_by_no_field",
            "test_a_target_that_is_not_published_is_left_out_wherever_it_is_named",
            "test_a_relation_to_a_type_that_is_not_public_shows_nothing_of_it",
            "test_a_type_that_is_not_public_is_not_found",
            "test_a_workspace_that_is_not_active_is_as_if_it_were_not_there",
            "test_two_tenants_with_the_same_names_are_kept_apart",
        ],
        PUBLIC: [
            "test_e_063_only_what_is_published_is_public",
            "test_an_entry_is_public_from_its_publish_date_on",
            "test_e_056_relations_are_objects_in_public_and_may_go_round",
        ],
        PAST: [
            "test_what_is_not_public_any_more_is_found_at_no_moment",
            "test_relations_within_a_relation_are_of_what_is_public_now",
        ],
        "api/cms/test_media.py": [
            "test_anybody_reads_a_file_while_a_public_entry_names_it",
            "test_a_private_field_opens_no_file",
        ],
    },
    104: {
        HTML: [
            "test_what_a_text_is_made_of_survives",
            "test_a_link_leads_on_and_tells_nothing",
            "test_nothing_that_runs_is_left",
            "test_html_is_cleaned_for_the_public_and_kept_as_it_is",
            "test_html_in_an_array_and_in_what_no_field_has",
        ],
        CACHE: ["test_settings_say_who_may_call_and_whether_html_is_cleaned"],
        "api/cms/test_media.py": ["test_a_file_of_a_type_that_runs_is_sent_as_bytes"],
    },
    109: {
        HIDDEN: [
            "test_e_055_a_deleted_entry_type_and_field_are_gone_at_once",
            "test_a_deleted_workspace_is_not_there_and_its_slug_may_be_anothers",
        ],
        PUBLIC: ["test_a_relation_to_what_is_gone_shows_nothing"],
        PAST: ["test_a_type_that_was_not_public_then_or_is_gone_is_not_found"],
        "api/cms/test_entries.py": [
            "test_threat_109_a_deleted_entry_is_gone_to_members_and_kept_by_the_audit"
        ],
    },
    105: {
        LIMITS: [
            "test_a_hundred_at_once_are_counted_each",
            "test_an_ipv6_address_is_its_network",
            "test_without_redis_limits_are_counted_here_and_the_log_says_so",
            "test_two_processes_count_together",
        ],
        "api/threats/test_guesses.py": [
            "test_threat_09_what_a_caller_says_of_itself_chooses_no_counter"
        ],
        "api/cms/test_limits.py": [
            "test_e_100_a_hundred_a_minute_for_who_is_not_known",
            "test_e_101_a_thousand_an_hour_for_an_address",
            "test_threat_105_an_ipv6_network_is_one_address",
        ],
    },
    113: {
        "workers/test_following.py": [
            "test_an_effect_that_fails_leaves_no_trace_and_others_go_on",
            "test_an_event_that_failed_is_tried_again_before_its_workspace_is_parked",
            "test_what_is_poison_is_parked_at_once",
        ],
        "api/cli/test_followers.py": [
            "test_a_parked_follower_is_told_until_it_goes_on"
        ],
    },
    114: {
        "kafka/test_example.py": [
            "test_what_the_ledger_did_not_write_does_not_count",
            "test_it_counts_what_is_there_and_what_comes_again_counts_once",
            "test_what_is_missing_is_told_and_fetched_where_there_is_a_server",
        ],
        "kafka/test_relay.py": [
            "test_of_an_event_that_is_too_large_the_message_carries_the_address",
            "test_what_the_broker_refuses_for_its_size_stops_nothing_behind_it",
        ],
    },
}

# what the tests here leave to these
BESIDE = {
    68: {
        "api/pybase/test_incoming.py": [
            "test_threat_68_a_token_that_was_renewed_is_as_one_that_never_was",
            "test_threat_68_keys_that_are_not_mapped_are_left_out",
            "test_threat_68_a_field_that_takes_no_value_takes_none",
            "test_threat_68_what_is_no_object_is_refused",
            "test_threat_68_a_body_has_a_million_bytes_at_most",
            "test_threat_68_a_message_that_comes_again_makes_nothing",
            "test_threat_68_messages_are_counted_by_webhook_and_guesses_by_address",
            "test_what_takes_nothing_is_not_found",
            "test_one_of_twenty_at_once_makes_the_record",
        ]
    },
    47: {HIDDEN: ["test_a_path_that_is_spelled_in_another_way_is_not_found"]},
    107: {
        HIDDEN: [
            "test_only_get_and_head_are_taken",
            "test_a_method_override_is_not_looked_at",
        ],
        PUBLIC: ["test_head_has_the_headers_and_no_body"],
        CACHE: [
            "test_an_unsigned_in_reply_has_nothing_of_a_session",
            "test_settings_say_who_may_call_and_whether_html_is_cleaned",
        ],
    },
    1: {AUTH: ["test_an_unsigned_token_is_no_token"]},
    10: {
        "process/test_settings.py": [
            "test_a_weak_secret_key_is_refused_and_not_repeated",
            "test_a_first_administrator_with_a_known_password_is_refused",
        ]
    },
    13: {
        AUTH: ["test_nobody_registers_as_somebody_special"],
        "api/pybase/test_users.py": [
            "test_the_rest_of_an_account_is_not_the_callers_to_set"
        ],
    },
    14: {AUTH: ["test_a_password_is_compared_to_its_last_character"]},
    17: {"api/test_access.py": ["test_what_is_anothers_answers_as_what_never_was"]},
    18: {
        "api/test_access.py": ["test_ones_own_with_anothers_is_refused_whole"],
        "api/pybase/test_links.py": [
            "test_a_record_that_is_not_there_is_not_linked_to"
        ],
    },
    9: {
        "api/test_limits.py": [
            "test_an_account_is_guessed_at_ten_times_a_minute_from_anywhere",
            "test_an_address_guesses_thirty_times_a_minute_at_whomever",
            "test_ten_thousand_guesses_take_days",
            "test_the_owner_comes_in_from_a_known_address_while_others_guess",
            "test_spellings_of_an_address_are_one_account",
        ]
    },
    7: {AUTH: ["test_a_session_that_ended_no_longer_reads_or_writes_a_table"]},
    28: {
        "commands/test_ledger.py": [
            "test_who_names_no_workspace_sees_no_row",
            "test_two_tenants_on_one_connection_do_not_see_each_other_after_an_exception",
        ]
    },
    30: {"api/pybase/test_filters.py": ["test_a_sort_that_is_none_is_refused"]},
    37: {
        BATCHES: ["test_a_thousand_records_with_one_bad_make_none"],
        RACES: ["test_records_and_a_field_that_goes_meanwhile"],
    },
    38: {
        RACES: ["test_of_a_hundred_equal_values_at_once_one_wins"],
        BATCHES: ["test_a_duplicate_inside_the_batch_creates_none"],
    },
    42: {
        "api/pybase/test_records.py": [
            "test_a_value_of_another_kind_is_refused",
            "test_numbers_are_exact",
        ]
    },
}


@pytest.mark.parametrize("row", sorted({*COVERED, *BESIDE}))
def test_what_covers_a_row_is_there(row):
    for listed in (COVERED, BESIDE):
        for path, names in listed.get(row, {}).items():
            text = (TESTS / path).read_text()
            assert [one for one in names if f"def {one}(" not in text] == [], path


def test_every_row_has_its_tests():
    text = "".join(one.read_text() for one in HERE.glob("test_*.py"))
    here = {int(row) for row in re.findall(r"^def test_threat_(\d+)_", text, re.M)}

    assert here | set(COVERED) == ROWS
    assert not here & set(COVERED)


@pytest.mark.parametrize(
    "said",
    [
        "Traceback (most recent call last)",
        'syntax error at or near "x"',
        "SELECT * FROM ws_x",
        f"table ws_{'0' * 32} is gone",
        "psycopg.errors.UniqueViolation",
        pytest.param(f"taken by {CANARY}", id="taken by the canary"),
        "connect to 127.0.0.1 failed",
    ],
)
def test_the_shared_rule_sees_what_it_looks_for(attack, said):
    attack.shows_nothing(httpx2.Response(400, json={"detail": "Not found"}))
    with pytest.raises(AssertionError):
        attack.shows_nothing(httpx2.Response(400, json={"detail": said}))


def test_the_shared_rule_sees_an_event(attack, newcomer):
    with pytest.raises(AssertionError), attack.nothing_happens():
        newcomer.workspace()
