"""Each planted mistake is caught by the test of the suite that stands beside it; without it, that test passes."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from backends.base import Storage
from backends.errors import StorageError
from backends.split import SplitStorage
from leflux.contract import (
    test_append,
    test_deletions,
    test_durable,
    test_earlier,
    test_log,
    test_processes,
    test_purge,
    test_races,
    test_search,
    test_sessions,
    test_settings,
    test_sweep,
    test_tasks,
)
from leflux.contract.harness import Harness
from tests.contract.example_store import SnapshotStorage
from tests.contract_kit import log_mistakes, mistakes
from tests.contract_kit.mistakes import Patch

SuiteTest = Callable[..., Awaitable[None]]


class Planted(Struct, frozen=True):
    """A mistake, the test that catches it, and the arguments of this test beside its storage."""

    mistake: Callable[[Patch], None]
    test: SuiteTest
    arguments: dict[str, Any] = {}


ROWS = [
    Planted(mistakes.a_taken_id_is_overwritten, test_sessions.test_s4_a_taken_id_is_refused_and_nothing_changes),
    Planted(mistakes.a_creation_knows_no_tombstone, test_purge.test_s4_a_tombstoned_id_cannot_be_created_again),
    Planted(mistakes.another_site_is_let_in, test_sessions.test_s1_every_verb_hides_the_session_of_another_site),
    Planted(
        mistakes.a_restore_gives_the_oldest,
        test_sessions.test_s6_restore_gives_the_newest_after_since_without_a_gap,
        {"since": 0, "limit": 3, "seqs": range(5, 8)},
    ),
    Planted(mistakes.a_restore_takes_three_reads, test_processes.test_s6_a_restore_between_writes_is_of_one_moment),
    Planted(mistakes.a_claim_raises_no_epoch, test_sessions.test_s7_each_claim_raises_the_epoch_and_the_newest_owns),
    Planted(
        mistakes.a_claim_hides_who_held, test_sessions.test_s7_a_claim_tells_who_owned_before_it_and_has_not_released
    ),
    Planted(
        mistakes.an_older_socket_releases, test_sessions.test_s8_a_late_release_of_the_older_socket_changes_nothing
    ),
    Planted(mistakes.an_older_socket_writes, test_sessions.test_s3_a_late_write_of_the_older_socket_is_refused),
    Planted(
        mistakes.the_fence_comes_before_the_key,
        test_append.test_s10_a_repeat_answers_an_older_epoch_but_a_new_text_does_not,
    ),
    Planted(
        mistakes.a_repeat_is_stored_again,
        test_append.test_s10_a_repeat_returns_the_first_message_and_changes_nothing,
        {"fingerprint": "same"},
    ),
    Planted(
        mistakes.a_repeat_may_have_another_text,
        test_append.test_s10_a_known_id_with_another_text_conflicts_and_changes_nothing,
    ),
    Planted(
        mistakes.the_keys_go_with_their_session,
        test_earlier.test_s25_a_repeat_in_the_session_that_continues_gets_the_first_answer,
    ),
    Planted(mistakes.an_append_reads_and_writes_later, test_races.test_s9_a_hundred_messages_get_the_seqs_1_to_100),
    Planted(
        mistakes.a_claim_between_check_and_write_is_missed,
        test_races.test_s3_no_write_of_an_older_epoch_lands_behind_a_claim,
    ),
    Planted(mistakes.an_answer_keeps_the_attempts, test_append.test_s13_a_turn_is_open_until_its_question_is_closed),
    Planted(mistakes.an_answer_to_an_older_question_moves_back, test_append.test_s13_answered_never_moves_back),
    Planted(
        mistakes.what_is_not_logged_is_logged,
        test_append.test_s14_an_unlogged_message_leaves_no_trace_in_outbox_or_log,
    ),
    Planted(
        mistakes.the_line_is_written_later,
        test_append.test_s14_a_shared_log_has_the_line_as_soon_as_append_returns,
    ),
    Planted(
        mistakes.a_task_is_replaced_whatever_its_version,
        test_tasks.test_s18_a_writer_that_expects_another_version_is_told_the_stored_one,
        {"expect": 1},
    ),
    Planted(mistakes.a_lease_is_everybodys, test_races.test_s19_of_a_hundred_workers_one_gets_the_lease),
    Planted(
        mistakes.renewing_counts_an_attempt,
        test_tasks.test_s19_one_worker_holds_the_lease_and_renewing_counts_no_attempt,
    ),
    Planted(mistakes.anybody_gives_a_lease_back, test_tasks.test_s19_a_lease_that_was_given_back_is_free),
    Planted(mistakes.another_site_gives_a_lease_back, test_processes.test_s19_another_site_cannot_give_a_lease_back),
    Planted(mistakes.a_deletion_leaves_the_outbox, test_purge.test_s20_a_purge_erases_the_waiting_log_lines),
    Planted(
        mistakes.a_deletion_leaves_no_tombstone,
        test_purge.test_s2_every_verb_answers_a_purged_session_with_session_deleted,
    ),
    Planted(
        mistakes.everything_unknown_is_buried,
        test_purge.test_s21_an_unknown_id_is_buried_only_when_asked,
        {"bury_absent": False},
    ),
    Planted(
        mistakes.a_burial_looks_and_digs_later,
        test_processes.test_s20_a_burial_and_a_creation_of_one_id_leave_it_buried,
    ),
    Planted(mistakes.a_deletion_is_not_listed, test_deletions.test_s26_a_deletion_is_listed_until_it_is_done),
    Planted(
        mistakes.a_deletion_may_not_be_repeated,
        test_deletions.test_s26_a_repeat_is_accepted_until_the_deletion_is_done,
    ),
    Planted(mistakes.a_sweep_knows_no_limit, test_sweep.test_s22_reports_are_limited),
    Planted(
        mistakes.what_is_acknowledged_is_in_memory_only, test_durable.test_s11_waiting_log_lines_outlive_the_opening
    ),
    Planted(log_mistakes.a_line_is_stored_twice, test_log.test_l1_a_line_that_is_stored_already_is_skipped),
    Planted(
        log_mistakes.a_late_line_of_a_deleted_session_is_taken,
        test_purge.test_l2_a_line_of_a_deleted_session_is_dropped_while_its_tombstone_lasts,
    ),
    Planted(
        log_mistakes.a_cursor_is_a_time_alone,
        test_log.test_l3_the_cursor_visits_every_session_once_newest_first,
        {"limit": 1},
    ),
    Planted(
        log_mistakes.any_cursor_is_taken,
        test_log.test_l3_a_cursor_that_no_page_gave_is_refused,
        {"cursor": "nonsense"},
    ),
    Planted(
        log_mistakes.a_part_of_a_word_is_found,
        test_search.test_l4_every_word_stands_in_the_message_and_the_last_may_be_a_prefix,
        {"words": "hipping", "matches": False},
    ),
    Planted(log_mistakes.words_of_several_messages_are_found, test_search.test_l4_all_words_stand_in_one_message),
    Planted(
        log_mistakes.accents_make_a_difference,
        test_search.test_l4_accents_and_widths_make_no_difference,
        {"one": "Wann öffnet Köln?", "other": "koln"},
    ),
    Planted(
        log_mistakes.retention_judges_by_the_first_line,
        test_log.test_l10_retention_judges_a_session_by_its_last_line,
    ),
    Planted(
        log_mistakes.an_export_shows_every_site,
        test_log.test_an_export_gives_every_line_of_the_site_as_it_was_stored,
    ),
    Planted(
        log_mistakes.a_document_is_replaced_whatever_its_version,
        test_settings.test_k1_a_stale_version_is_refused_and_told_the_current_one,
        {"stored": 1, "expect": 0},
    ),
    Planted(log_mistakes.names_come_as_they_were_made, test_settings.test_k3_names_are_listed_by_prefix_and_sorted),
    Planted(
        log_mistakes.the_trail_is_oldest_first,
        test_settings.test_k2_the_trail_is_newest_first_and_of_its_site_only,
    ),
    Planted(log_mistakes.a_ts_of_the_caller_is_believed, test_settings.test_k2_a_ts_of_the_caller_is_not_believed),
]


async def run(row: Planted, folder: Path) -> None:
    """The suite's test on the example store, with the fixtures that it names."""
    opened: list[Storage] = []

    def open_now(split: bool) -> Storage:
        state = SnapshotStorage(folder / "state", log_shares_store=not split)
        log = SnapshotStorage(folder / "log", log_shares_store=True)
        opened.append(SplitStorage(state, log) if split else state)
        return opened[-1]

    async def again() -> Storage:
        return open_now(split=False)

    async def again_split() -> Storage:
        return open_now(split=True)

    async def the_same() -> Storage:
        return opened[0] if opened else open_now(split=False)

    fixtures: dict[str, Callable[[], Any]] = {
        "storage": lambda: open_now(split=False),
        "any_storage": lambda: open_now(split=False),
        "split_storage": lambda: open_now(split=True),
        "shared": lambda: Harness(the_same, the_same),
        "durable": lambda: Harness(again, again_split),
    }
    wanted = row.test.__code__.co_varnames[: row.test.__code__.co_argcount]
    given = {name: make() for name, make in fixtures.items() if name in wanted}
    await row.test(**given, **row.arguments)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.mistake.__name__)
async def test_the_mistake_is_caught(row: Planted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "right").mkdir()
    (tmp_path / "wrong").mkdir()
    await run(row, tmp_path / "right")
    row.mistake(monkeypatch)
    caught = False
    try:
        await run(row, tmp_path / "wrong")
    except (AssertionError, ValueError, pytest.fail.Exception, StorageError):
        caught = True
    assert caught, f"{row.test.__name__} passes with this mistake"


def test_every_mistake_has_a_row_and_there_are_enough() -> None:
    planted = {
        name
        for module in (mistakes, log_mistakes)
        for name, found in vars(module).items()
        if callable(found) and getattr(found, "__module__", "") == module.__name__ and name not in ("wrap",)
    }
    assert planted == {row.mistake.__name__ for row in ROWS}
    assert len(ROWS) >= 25
