#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""sizes.py [--write | --any-count] PAGE AXMODEL FOLDER: docs/axmodel.md says of our primitives what the model tests say.

The table between its two marks is made from runs of the tests below, in the programs of FOLDER: each must hold, and be
EXHAUSTED. The page must have that table, but for the seconds, which are of the machine it was written on; --write puts
it there. --any-count: the numbers of executions may differ too (they are those of gcc: clang's weak compare-exchanges
never fail spuriously).
"""
import json
import re
import resource
import subprocess
import sys

MARKS = ("<!-- table: tests/model/sizes.py --write -->\n", "<!-- end of table -->\n")
HEAD = ("| primitive | threads x calls | test | verdict | executions | seconds |\n"
        "|---|---|---|---|---:|---:|\n")
# primitive, size, program and its options, test
SIZES = [
    ("counter", "2 x 3", "model_counter", "six_additions_by_two_threads_return_each_value_once"),
    ("counter", "2 x 3", "model_counter", "six_different_changes_by_two_threads_fall_into_one_order"),
    ("counter", "3 x 1", "model_counter", "addition_subtraction_and_exchange_fall_into_one_order"),
    ("adder", "2 x 3", "model_adder", "two_threads_three_additions_are_exact_afterwards"),
    ("adder", "3 x 1", "model_adder", "three_threads_one_addition_are_exact_afterwards"),
    ("adder", "3 x 1", "model_adder", "A3_a_sum_beside_a_drain_is_not_negative"),
    ("tickets", "2 x 3", "model_tickets", "two_buyers_of_three_share_four_tickets"),
    ("tickets", "3 x 1", "model_tickets", "three_buyers_share_two_tickets"),
    ("tickets", "3 x 1", "model_tickets", "T2_a_ticket_returned_by_another_than_gave_the_right"),
    ("lease", "2 x 3", "model_lease", "two_leases_of_one_hall_sell_different_tickets"),
    ("lease", "3 x 1", "model_lease", "a_block_is_taken_beside_a_buyer_and_a_refund"),
    ("lease, its holder dies", "2 x 1", "model_lease", "a_holder_that_dies_burns_one_ticket_at_most"),
    ("accounts", "2 x 3", "model_accounts_sizes", "transfers_cross_between_looks"),
    ("accounts", "3 x 1", "model_accounts_sizes", "two_look_at_the_ends_of_a_transfer"),
    ("accounts, an owner dies", "2 x 1", "model_accounts_sizes", "a_transfer_goes_on_past_a_dead_owner"),
    ("accounts, an owner dies", "1 + 2", "model_accounts_sizes", "a_dead_owners_transfer_is_whole"),
    ("audit", "2 x 3", "model_accounts_sizes", "audits_and_looks_agree"),
    ("audit, nobody helping", "2 x 1", "model_accounts_inside", "B3_an_audit_beside_a_transfer_has_all_of_it_or_nothing"),
    ("audit, which helps", "2 x 1", "model_accounts_sizes", "an_audit_beside_a_deposit_has_it_or_not"),
    ("audit", "3 x 1", "model_accounts_sizes", "of_two_audits_each_is_of_one_instant"),
    ("mutex", "2 x 3", "model_lock", "two_threads_exclude_each_other_three_times"),
    ("mutex", "3 x 1", "model_lock", "three_threads_exclude_each_other"),
    ("mutex, checked", "2 x 3", "model_lock", "two_threads_try_checked_three_times"),
    ("mutex, checked", "3 x 1", "model_lock", "three_threads_exclude_each_other_checked"),
    ("rwlock", "2 x 3", "model_lock", "two_threads_read_and_write_three_times"),
    ("rwlock", "3 x 1", "model_lock", "a_writer_excludes_readers"),
    ("rwlock, checked", "2 x 3", "model_lock", "two_threads_try_to_read_and_write_checked"),
    ("rwlock, checked", "3 x 1", "model_lock", "a_writer_and_two_readers_try_checked"),
    ("memo", "2 x 3", "model_memo", "M_last_two_forget_what_one_still_holds"),
    ("memo", "3 x 1", "model_memo", "M_last_two_give_back_while_one_forgets"),
    ("memo", "3 x 1", "model_memo_deep --bound spurious=0", "three_callers_share_one_flight"),
    ("memo, a leader dies", "2 x 1", "model_memo", "a_dying_leader_hands_over"),
    ("memo, a computation fails", "2 x 1", "model_memo", "M_all_two_callers_share_one_error"),
]
for layout in ("slots", "short", "entries", "ck"):
    for size, history in (("2 x 3", "three_each_of_two_on_a_key_that_is_there"), ("3 x 1", "one_each_of_three_on_a_key_that_is_there")):
        SIZES.append((f"map, {layout}", size, f"model_map_histories_{layout}", history))
SIZES += [
    ("what frees later", "2 x 3", "model_reclaim", "three_things_of_one_thread_are_freed"),
    ("what frees later", "3 x 1", "model_reclaim", "who_frees_a_thing_has_its_last_state"),
]


def run(axmodel, folder, command, test):
    """The test's verdict, and the processor time that it took."""
    program, *options = command.split()
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    done = subprocess.run([axmodel, "run", "--no-progress", "--json", *options, "--test", test, f"{folder}/{program}"],
                          capture_output=True, text=True, timeout=900)
    verdict = json.loads(done.stdout) if done.returncode == 0 else {}
    if (verdict.get("verdict"), verdict.get("extent")) != ("holds", "EXHAUSTED"):
        sys.exit(f"FAILED: {command} --test {test}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return verdict, resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before


def rows(axmodel, folder):
    for primitive, size, command, test in SIZES:
        verdict, seconds = run(axmodel, folder, command, test)
        bound = re.search(r"--bound (\w+=\d+)", command)
        yield (f"| {primitive} | {size} | `{test}` | {verdict['extent']}{f', `{bound[1]}`' if bound else ''} | "
               f"{verdict['executions']} | {seconds:.1f} |\n")


def main(arguments):
    options = [a for a in arguments if a.startswith("--")]
    page, axmodel, folder = [a for a in arguments if not a.startswith("--")]
    table = HEAD + "".join(rows(axmodel, folder))
    text = open(page, encoding="utf-8").read()
    before, _, rest = text.partition(MARKS[0])
    written, end, after = rest.partition(MARKS[1])
    if not end:
        sys.exit(f"FAILED: {page} has no place for the table")
    if "--write" in options:
        with open(page, "w", encoding="utf-8") as out:
            out.write(before + MARKS[0] + table + MARKS[1] + after)
        return 0
    columns = -4 if "--any-count" in options else -3
    told, seen = ([line.split("|")[:columns] for line in t.splitlines()] for t in (written, table))
    wrong = [new for new in seen if new not in told] + [old for old in told if old not in seen]
    for line in wrong:
        print("FAILED: in one only of the page and the run:", "|".join(line))
    print(f"{len(SIZES)} tests, {len(wrong)} lines differ")
    return 1 if wrong or told != seen else 0


sys.exit(main(sys.argv[1:]))
