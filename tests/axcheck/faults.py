#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The judges broken on purpose, one fault at a time: agree.c must notice each, or gather.c.

usage: faults.py AXCHECK_SOURCES TESTS ARCHIVE COMPILER [FILE]

ARCHIVE has the judges as they are; the one that is broken is linked before it. A fault is a place that is there once,
what it becomes, and what that means. FILE: only those of this source.
"""
import concurrent.futures
import os
import re
import subprocess
import sys
import tempfile

SOURCES, TESTS, ARCHIVE, COMPILER = sys.argv[1:5]
PROGRAMS = ("gather", "agree")
HISTORIES = ("20000", "400000", "5000000")  # the larger numbers for those that show rarely
SECONDS = 900  # ends what a fault has made endless
FLAGS = ["-std=c11", "-O1", "-D_GNU_SOURCE", "-I" + SOURCES]

FAULTS = {
    "fast_quiet.c": [
        ("ops[end].invoked <= latest", "ops[end].invoked < latest", "a moment is quiet although an answer is an invocation's"),
        ("(set & answered) == answered", "set == all", "an unanswered operation must have happened"),
        ("ops[j].responded < ops[i].invoked ||", "ops[j].responded <= ops[i].invoked ||", "at equal times they are in order"),
        ("(ops[j].process == ops[i].process && ops[j].order < ops[i].order)", "false", "a process's own order is ignored"),
        ("!add(states, sets[set].of[s])", "(states->count > 0 ? false : !add(states, sets[set].of[s]))", "one of several states is handed on"),
    ],
    "fast_counter.c": [
        ("if (responded < share->latest", "if (responded <= share->latest", "at equal times they are in order"),
        ("if (place->add_responded != NOBODY)\n                fault", "if (false)\n                fault", "two additions may return the same"),
        ("if (front->more && front->place < least_next)", "if (front->more && front->place + 1 < least_next)", "a process may read again what it added to"),
        ("gaps[middle].place < least ||", "", "an unanswered addition may come before what its process saw"),
        ("|| gaps[middle].earliest < front->unanswered", "", "an unanswered addition may come before it was invoked"),
        ("*filled = i < could && from[i] <= i;", "*filled = i < could;", "any unanswered addition fills any gap"),
        ("front->responded = op.responded + skew + 1;", "front->responded = op.responded + 1;", "answers are not widened"),
        ("while (count > 0 && gaps[count - 1].earliest == UINT64_MAX)", "while (false)", "what nobody needs is missed"),
        ("*place <= c->additions &&", "*place < c->additions &&", "after the last addition nothing can be read"),
    ],
    "fast_tally.c": [
        ("t->groups[middle].earliest_from_here < invoked", "t->groups[middle].earliest_from_here <= invoked", "at equal times they are in order"),
        ("t->groups[middle].latest_so_far <= responded", "t->groups[middle].latest_so_far < responded", "at equal times they are in order"),
        ("if (t->additions[since].last > group)", "if (false)", "an addition may come after what its process read later"),
        (".first = first > after ? first : after", ".first = first", "an addition may come before what its process read earlier"),
        ("if (latest != NULL && group->earliest < latest->latest)", "if (latest != NULL && group->earliest <= latest->latest)", "at equal times they are in order"),
        ("if (t->additions[next].last < t->group_count)", "if (false)", "what must come before a read is forgotten"),
        ("} else if (waiting > 0 && heap[0] <= gap) {", "} else if (false) {", "what can wait no longer waits"),
        ("if (group + 1 < after)", "if (false)", "one process may see the value fall"),
    ],
    "fast_tickets.c": [
        ("s->history->capacity - (int64_t)all.sales;", "0;", "sold out is never too early"),
        ("unsold > 0; i++, unsold--", "false; i++, unsold--", "an unanswered sale takes nothing"),
        ("if (!refused)\n                s->unanswered", "s->unanswered", "who was refused may be sold to"),
        ("all.first_refusal + skew < all.last_sale - skew", "all.first_refusal + skew <= all.last_sale - skew", "at equal times they are in order"),
        ("at_most(&s->twice, ticket);", "(void)at_most;", "a ticket may be sold twice"),
        ("at_least(&s->outside, ticket);", "(void)at_least;", "there are tickets beyond the last one"),
        ("at_most(&s->sold_after_refusal, op.process);", "(void)0;", "who was refused may be sold to later"),
    ],
    "fast_refunds.c": [
        ("if (answered(j, use->op) < latest)", "if (answered(j, use->op) <= latest)", "at equal times they are in order"),
        ("if (j->refused_count > 0 && j->sold < (size_t)j->part->history->capacity)", "if (false)", "sold out although some never were sold"),
        ("answered(j, j->refused[i]) < j->gaps[low - 1].to", "answered(j, j->refused[i]) <= j->gaps[low - 1].to", "a refusal can't be at the end of its time"),
        ("free_from = answered(j, use->op);", "free_from = use->invoked;", "a ticket is free before its refund is answered"),
        ("refund_count > sale_count || sale_count > refund_count + 1", "refund_count > sale_count", "a ticket may be sold twice"),
        ("answered(j, a->op) >= b->invoked", "false", "overlapping sales of one ticket are taken for ordered"),
        ("if (sale_count == refund_count)", "if (false)", "what was given back for good is not free"),
    ],
    "fast_groups.c": [
        ("if (answered(j, op) < latest)", "if (answered(j, op) <= latest)", "at equal times they are in order"),
        ("group.earliest < j->groups[forward - 1].latest", "group.earliest <= j->groups[forward - 1].latest", "groups that touch overlap"),
        ("if (low > 0 && group->earliest < j->groups[low - 1].latest)", "if (low > j->group_count)", "a group may lie within another"),
        ("if (taker != UINT32_MAX)\n                    return", "if (false)\n                    return", "a value may be replaced twice"),
        ("if (uses[left] > 1)", "if (uses[left] <= 1)", "an unanswered operation counts if nobody saw it"),
        ("if (found == j->use_count || --uses[found] != 1)", "if (true)", "what only a dropped operation saw counts as seen"),
        ("--uses[found] != 1)", "--uses[found] > 2)", "who left what somebody saw is dropped"),
        ("if (j->recurs)\n                group->latest", "if (false)\n                group->latest", "a group that does not end may be any"),
        ("group->earliest = 0;", "(void)group;", "what is at the beginning may come later"),
        ("return !(j->recurs && blind);", "return true;", "a write after whatever there was begins a group where the first value comes back"),
        ("&& j->uses[i - 1].role == MADE &&", "&& false &&", "a value that comes twice is taken for one"),
    ],
    "fast_queue.c": [
        ("sure[next].sure < stay->asked", "sure[next].sure <= stay->asked", "at equal times they are in order"),
        ("stay->left < latest->called", "stay->left <= latest->called", "at equal times they are in order"),
        (">= spans[low - 1].to ||", "> spans[low - 1].to ||", "empty can't be at the end of its time"),
        ("(j.bounded || j.refused)", "j.refused", "a bound does not matter"),
        ("(answer == AXC_WRONG && j.open)", "false", "an unanswered dequeue took nothing"),
        ("if (stay->left < stay->asked)", "if (false)", "a value may come out before it goes in"),
        ("if (stay.in == AXC_NOBODY && j->stays[kept - 1].out != AXC_NOBODY)", "if (false)", "a value may come out twice"),
    ],
    "fast_set.c": [
        ("j->asked[next].time <= time", "j->asked[next].time < time", "at equal times they are in order"),
        ("j->last[found] >= axc_fast_invoked", "j->last[found] > axc_fast_invoked", "a look in passing needs more than a moment"),
        ("!asks && (open || told)", "!asks && told", "an unanswered change did not happen"),
        ("j->last[j->now] = time;", "(void)time;", "nothing is seen in passing"),
    ],
    "fast_audits.c": [
        ("? op->responded < what :", "? op->responded <= what :", "at equal times they are in order"),
        ("? op->invoked <= what :", "? op->invoked < what :", "at equal times they are in order"),
        ("if (change == 0)\n            continue;", "if (change == 0 || op->responded == AXC_PENDING)\n            continue;", "an unanswered transfer did not happen"),
        ("(op->results > 0 && values[op->args] == 0)", "false", "a refused transfer moves money"),
        ("k < lane->fewest; k++", "k < lane->latest; k++", "what came before in one answer did so in all"),
        ("k = lane->latest; k < lane->most", "k = lane->fewest; k < lane->most", "what came after in one answer did so in all"),
        ("chosen < lane->fewest ? chosen : lane->fewest", "chosen", "only the last answer counts"),
    ],
    "fast_accounts.c": [
        ('"withdraw", 8)).count > 0)', '"withdraw", 8)).count > history->count)', "withdrawals keep the sum"),
    ],
    "fast.c": [
        ("judge(part, part->history->skew, fast) == AXC_RIGHT ? AXC_RIGHT : AXC_NOT_MINE", "AXC_RIGHT", "clocks that differ hide a process's own order"),
        ("if (answer == AXC_RIGHT && part->history->touching)", "if (false)", "times that touch hide a process's own order"),
    ],
    "models_wide.c": [
        ("(from < 0 || state[from] >= amount)", "(from < 0 || state[from] >= 0)", "in place, the floor is ignored"),
        ("if (closed || (values[0] == AXC_NONE && state[1] != history->capacity))", "if (closed)", "in place, sold out at any time"),
        ("state[closed ? words : 0]++;", "state[0] = 1;", "in place, a second close is taken back with the first"),
    ],
    "models.c": [
        ("if (!axc_is_number(now) || __builtin_add_overflow(now, values[0], &after))", "if (__builtin_add_overflow(now, values[0], &after))",
         "a result that says nothing of whether the state changes"),
    ],
    "search.c": [
        ("return answered(s, op) || s->ops[op].results > 0 || s->part->history->model->verbs[s->ops[op].verb].idle != AXC_READS;",
         "return answered(s, op);", "what is unanswered did not happen"),
        ("return !s->done[op] && s->ops[op].invoked <= until &&", "return !s->done[op] && s->ops[op].invoked < until &&", "at equal times they are in order"),
        ("(s->before[op] == s->count || s->done[s->before[op]])", "true", "a process's own order is ignored"),
        (".idle != AXC_READS && s->ops[i].results == 0)\n            continue;", ".idle != AXC_READS && false)\n            continue;",
         "what was not looked at is taken at once where it changes nothing"),
        ("s->followed[s->before[i]] = true;", "(void)0;", "an unanswered operation that another waits for is passed over"),
        ("rest[i / 64] |= (uint64_t)1 << (i % 64);", "rest[i / 64] |= 0;", "configurations are compared without what is unanswered"),
    ],
    "seen.c": [
        ("known[0] == words && memcmp(known + 1, key, words * sizeof *key) == 0", "known[0] == words", "configurations are compared by length"),
    ],
    "sort.c": [
        ("return axc_losers_key(op->invoked, op->order,", "return axc_losers_key(op->invoked >> 1, op->order,", "the last bit of a time is ignored"),
    ],
    "gather.c": [
        ("time > skew ? time - skew : 0", "time - skew", "what is widened past the beginning of time"),
        ("op->responded += skew;", "op->responded += 0;", "answers are not widened"),
        ("if (spans[middle].first <= run->number)", "if (spans[middle].first < run->number)", "what begins a block is looked for in the one before"),
        ("run->number < spans[--run->span].first", "false", "of two blocks, the later one is taken"),
        ("run->number = place->before;", "run->number--;", "the operation before it is taken for the one on its key"),
        ("gathered->walking[i] = gathered->walking[--walking];", "walking--;", "where one lane is done, another is left out"),
        ("earlier(runs[run].next->invoked, skew), 0, (uint32_t)run)", "earlier(runs[run].next->invoked, skew), ~(uint32_t)run, (uint32_t)run)", "at equal times the later lane comes first"),
        ("axc_losers_key(runs[run].op.invoked, 0,", "axc_losers_key(runs[run].op.invoked >> 1, 0,", "of lanes without keys, the last bit of a time is ignored"),
        ("op->order = (uint32_t)(run->next - gathered->notes);", "op->order = (uint32_t)i;", "operations are numbered by time"),
    ],
    "parts.c": [
        ("return a->lane < b->lane ? -1 : a->lane > b->lane;", "return a->lane > b->lane ? -1 : a->lane < b->lane;", "lanes are not in their order"),
    ],
    "history.c": [
        ("lane->places[number] = (struct axc_place){.invoked = op->invoked, .at = (uint32_t)at, .before = before};",
         "lane->places[number] = (struct axc_place){.invoked = op->responded, .at = (uint32_t)at, .before = before};", "an operation is put where it was answered"),
        ("lane->touching |= lane->count > 0 && op->invoked == lane->responded;", "", "times that touch are not noticed"),
        ("if (history->lanes[i].responded < history->until)", "if (i == 0)", "of what is still being written, the end of one process is certain"),
        ("return op->results > 0 && result == 0;", "return op->results > 0;", "what changed something is left out of a counterexample"),
    ],
}


def told(programs):
    """What a test said was wrong, or None; and of how many histories."""
    for command, count in [(programs[:1], "its own")] + [([programs[1], count], count) for count in HISTORIES]:
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)
        except subprocess.TimeoutExpired:
            return f"a judge that does not end in {SECONDS} s", count
        said = re.search(r"^agree: (.*)|^.*/gather.c:\d+: (.*)", done.stderr, re.M)
        if said or done.returncode < 0:
            return said[1] or said[2] if said else f"signal {-done.returncode}", count
    return None, count


def broken(work, tests, file, number, fault):
    place, instead, what = fault
    path = os.path.join(SOURCES, "history", file)
    with open(path, encoding="utf-8") as source:
        text = source.read()
    if text.count(place) != 1:
        return f"NOT THERE ONCE: {file}: {place}"
    name = os.path.join(work, f"{number}-{file}")
    with open(name, "w", encoding="utf-8") as out:
        out.write(text.replace(place, instead))
    subprocess.run([COMPILER, *FLAGS, "-w", "-iquote", os.path.dirname(path), "-c", "-o", name + ".o", name], check=True)
    programs = [f"{name}-{test}" for test in PROGRAMS]
    for program, test in zip(programs, tests):
        subprocess.run([COMPILER, "-o", program, name + ".o", test, ARCHIVE, "-ljansson", "-lpthread"], check=True)
    said, count = told(programs)
    return f"{file}: {what}: " + (f"{said} ({count} histories)" if said else f"NOT NOTICED in {count} histories")


def main():
    wanted = sys.argv[5:] or sorted(FAULTS)
    with tempfile.TemporaryDirectory() as work, concurrent.futures.ThreadPoolExecutor(2) as pool:
        tests = [os.path.join(work, test + ".o") for test in PROGRAMS]
        for test, program in zip(tests, PROGRAMS):
            subprocess.run([COMPILER, *FLAGS, "-c", "-o", test, os.path.join(TESTS, program + ".c")], check=True)
        jobs = [pool.submit(broken, work, tests, file, f"{len(FAULTS[file])}{i}", fault) for file in wanted for i, fault in enumerate(FAULTS[file])]
        lines = []
        for job in jobs:
            lines.append(job.result())
            print(lines[-1], flush=True)
    bad = sum(re.search("NOT NOTICED|NOT THERE", line) is not None for line in lines)
    print(f"{len(lines) - bad} of {len(lines)} faults were noticed")
    return 1 if bad or not lines else 0


sys.exit(main())
