/* SPDX-License-Identifier: MIT */
/**
 * accounts.c: balances. Each account must have what the workers' ledgers say, no balance may be below the floor,
 * and no audit may have come to a sum that the accounts never had together.
 */
#include <inttypes.h>

#include "budget.h"
#include "record.h"

struct bank {
    int64_t accounts, opening, floor;
    axc_wide *should; /* for each account: the opening balance and what all ledgers add */
    axc_wide deposited, withdrawn, accepted, refused;
    size_t unbalanced; /* workers whose own figures disagree; the first one's: */
    int64_t thread;
    axc_wide ledger, paid, done, ops;
};

static bool get_balances(const struct axc_record *record, const struct axc_node *object, const char *key,
                         int64_t accounts, json_t **out)
{
    struct axc_node node = axc_member(object, key);
    if (node.value == NULL)
        return axc_reject(record, &node, "is missing");
    if (!axc_get_integers(record, object, key, out))
        return false;
    if (json_array_size(*out) != (size_t)accounts)
        return axc_reject(record, &node, "has %zu numbers for %" PRId64 " accounts", json_array_size(*out), accounts);
    return true;
}

static bool read_worker(const struct axc_record *record, const struct axc_node *worker, struct bank *bank)
{
    int64_t ops, thread, accepted, refused, deposited, withdrawn;
    json_t *ledger;
    if (!axc_get_integer(record, worker, "ops", 0, INT64_MAX, &ops) ||
        !axc_get_integer(record, worker, "thread", 0, INT64_MAX, &thread) ||
        !axc_get_integer(record, worker, "accepted", 0, INT64_MAX, &accepted) ||
        !axc_get_integer(record, worker, "refused", 0, INT64_MAX, &refused) ||
        !axc_get_integer(record, worker, "deposited", 0, INT64_MAX, &deposited) ||
        !axc_get_integer(record, worker, "withdrawn", 0, INT64_MAX, &withdrawn) ||
        !get_balances(record, worker, "ledger", bank->accounts, &ledger))
        return false;
    axc_wide sum = 0;
    for (size_t i = 0; i < (size_t)bank->accounts; i++) {
        axc_wide added = json_integer_value(json_array_get(ledger, i));
        bank->should[i] += added;
        sum += added;
    }
    axc_wide paid = (axc_wide)deposited - withdrawn, done = (axc_wide)accepted + refused;
    if ((sum != paid || done != ops) && bank->unbalanced++ == 0) {
        bank->thread = thread;
        bank->ledger = sum;
        bank->paid = paid;
        bank->done = done;
        bank->ops = ops;
    }
    bank->deposited += deposited;
    bank->withdrawn += withdrawn;
    bank->accepted += accepted;
    bank->refused += refused;
    return true;
}

static void state_own_figures(const struct axc_record *record, const struct bank *bank)
{
    if (bank->unbalanced == 0)
        axc_state(record->report, "own figures", true,
                  "%s calls accepted, %s refused; each ledger comes to what its worker paid in and out",
                  AXC_WIDE(bank->accepted), AXC_WIDE(bank->refused));
    else
        axc_state(record->report, "own figures", false,
                  "worker %" PRId64 "'s ledger comes to %s, deposited - withdrawn to %s; accepted + refused is %s of %s "
                  "operations (%zu of %zu workers)",
                  bank->thread, AXC_WIDE(bank->ledger), AXC_WIDE(bank->paid), AXC_WIDE(bank->done), AXC_WIDE(bank->ops),
                  bank->unbalanced, record->threads);
}

static void state_balances(const struct axc_record *record, const struct bank *bank, json_t *balances)
{
    size_t wrong = 0, first_wrong = 0, below = 0, first_below = 0;
    axc_wide sum = 0, should = 0;
    for (size_t i = (size_t)bank->accounts; i-- > 0;) {
        axc_wide balance = json_integer_value(json_array_get(balances, i));
        sum += balance;
        should += bank->should[i];
        if (balance != bank->should[i]) {
            wrong++;
            first_wrong = i;
        }
        if (balance < bank->floor) {
            below++;
            first_below = i;
        }
    }
    if (wrong == 0)
        axc_state(record->report, "conservation", true, "%" PRId64 " accounts agree with the ledgers, in sum %s",
                  bank->accounts, AXC_WIDE(sum));
    else
        axc_state(record->report, "conservation", false,
                  "account %zu has %" JSON_INTEGER_FORMAT ", the ledgers say %s (%zu of %" PRId64
                  " accounts; in sum %s, by the ledgers %s)",
                  first_wrong, json_integer_value(json_array_get(balances, first_wrong)),
                  AXC_WIDE(bank->should[first_wrong]), wrong, bank->accounts, AXC_WIDE(sum), AXC_WIDE(should));
    if (below == 0)
        axc_state(record->report, "floors at the end", true, "no balance is below %" PRId64, bank->floor);
    else
        axc_state(record->report, "floors at the end", false,
                  "account %zu has %" JSON_INTEGER_FORMAT ", below %" PRId64 " (%zu accounts)", first_below,
                  json_integer_value(json_array_get(balances, first_below)), bank->floor, below);
}

static bool state_audits(const struct axc_record *record, const struct bank *bank, const struct axc_node *end)
{
    struct axc_node audits = axc_member(end, "audits");
    if (audits.value == NULL)
        return true;
    if (!json_is_array(audits.value))
        return axc_reject(record, &audits, "is not an array");
    axc_wide total = (axc_wide)bank->accounts * bank->opening, made = 0;
    axc_wide low = total - bank->withdrawn, high = total + bank->deposited;
    int64_t least = 0, most = 0, lowest = 0;
    for (size_t i = 0; i < json_array_size(audits.value); i++) {
        struct axc_node audit = axc_element(&audits, i);
        int64_t count, from, to, balance;
        if (!json_is_object(audit.value))
            return axc_reject(record, &audit, "is not an object");
        if (!axc_get_integer(record, &audit, "count", 1, INT64_MAX, &count) ||
            !axc_get_integer(record, &audit, "least", INT64_MIN, INT64_MAX, &from) ||
            !axc_get_integer(record, &audit, "most", from, INT64_MAX, &to) ||
            !axc_get_integer(record, &audit, "lowest_balance", INT64_MIN, INT64_MAX, &balance))
            return false;
        least = i == 0 || from < least ? from : least;
        most = i == 0 || to > most ? to : most;
        lowest = i == 0 || balance < lowest ? balance : lowest;
        made += count;
    }
    if (made == 0)
        return true;
    axc_state(record->report, "audits", least >= low && most <= high,
              "%s audits came to %" PRId64 " up to %" PRId64 ", where %s up to %s could be", AXC_WIDE(made), least, most,
              AXC_WIDE(low), AXC_WIDE(high));
    axc_state(record->report, "floors in audits", lowest >= bank->floor,
              "the lowest balance seen was %" PRId64 ", the floor is %" PRId64, lowest, bank->floor);
    return true;
}

static bool judge(const struct axc_record *record, struct bank *bank)
{
    struct axc_node root = axc_root(record), end = axc_member(&root, "final"), workers = axc_member(&root, "workers");
    json_t *balances;
    for (size_t i = 0; i < record->threads; i++) {
        struct axc_node worker = axc_element(&workers, i);
        if (!read_worker(record, &worker, bank))
            return false;
    }
    if (!get_balances(record, &end, "balances", bank->accounts, &balances))
        return false;
    state_own_figures(record, bank);
    state_balances(record, bank, balances);
    return state_audits(record, bank, &end);
}

bool axc_judge_accounts(const struct axc_record *record)
{
    struct axc_node root = axc_root(record), setup = axc_member(&root, "setup"), end = axc_member(&root, "final");
    struct bank bank = {0};
    json_t *balances;
    if (!axc_get_integer(record, &setup, "accounts", 1, INT32_MAX, &bank.accounts) ||
        !axc_get_integer(record, &setup, "opening", INT64_MIN, INT64_MAX, &bank.opening) ||
        !axc_get_integer(record, &setup, "floor", INT64_MIN, INT64_MAX, &bank.floor) ||
        /* before anything is allocated by the number of accounts: the record is at least as long */
        !get_balances(record, &end, "balances", bank.accounts, &balances))
        return false;
    bank.should = axc_alloc((size_t)bank.accounts * sizeof *bank.should);
    if (bank.should == NULL)
        return axc_gave_up(record->report, "no memory for %" PRId64 " accounts", bank.accounts);
    for (int64_t i = 0; i < bank.accounts; i++)
        bank.should[i] = bank.opening;
    bool fine = judge(record, &bank);
    axc_free(bank.should);
    return fine;
}
