/* SPDX-License-Identifier: MIT */
/* A bank: deposits, withdrawals, transfers in one step, and an audit as of one instant. */
#include <atomicx/accounts.h>
#include <atomicx/lock.h>

#include <inttypes.h>
#include <stdlib.h>

#include "server.h"

struct bank {
    ax_accounts *table;
    ax_mutex opening; /* an account and its floor become known together */
    int64_t *floors AX_MEMBER_PT_GUARDED_BY(opening); /* by account; the table does not tell them */
};

struct bank *bank_create(const struct options *options)
{
    uint32_t capacity = (uint32_t)options->max_accounts;
    int64_t calls = 2 * (options->threads + options->workers);
    struct bank *bank = calloc(1, sizeof *bank);
    if (!bank)
        return NULL;
    (void)ax_mutex_init(&bank->opening, NULL);
    bank->floors = calloc(capacity, sizeof *bank->floors);
    if (bank->floors && ax_accounts_create(capacity, (uint32_t)(calls < AX_ACCOUNTS_MAX_CALLS ? calls : AX_ACCOUNTS_MAX_CALLS),
                                           NULL, &bank->table) == AX_OK)
        return bank;
    bank_destroy(bank);
    return NULL;
}

void bank_destroy(struct bank *bank)
{
    if (!bank)
        return;
    ax_accounts_destroy(bank->table);
    (void)ax_mutex_fini(&bank->opening);
    free(bank->floors);
    free(bank);
}

size_t bank_len(const struct bank *bank)
{
    return ax_accounts_opened(bank->table);
}

static ax_status open_account(struct bank *bank, int64_t floor, uint32_t *account)
{
    ax_status status = AX_EBUSY;
    AX_WITH_LOCK(&bank->opening) {
        status = ax_accounts_open(bank->table, floor, account);
        if (status == AX_OK)
            bank->floors[*account] = floor;
    }
    return status;
}

void bank_open(struct server *server, const struct request *request, struct answer *answer)
{
    int64_t floor = 0;
    uint32_t account;
    if (query_find(&request->query, "floor") && !request_number(request, "floor", -INT64_MAX, 0, &floor, answer))
        return;
    ax_status status = open_account(server->bank, floor, &account);
    if (status == AX_OK)
        answer_json(answer, 201, "{\"account\":%" PRIu32 "}", account);
    else if (status == AX_ENOMEM)
        answer_text(answer, 403, "there are as many accounts as are allowed");
    else
        answer_status(answer, status, "the account");
}

void bank_audit(struct server *server, const struct request *request, struct answer *answer)
{
    int64_t sum;
    (void)request;
    ax_status status = ax_accounts_audit(server->bank->table, &sum);
    if (status == AX_OK)
        answer_json(answer, 200, "{\"accounts\":%" PRIu32 ",\"sum\":%" PRId64 "}", ax_accounts_opened(server->bank->table), sum);
    else
        answer_status(answer, status, "the sum");
}

static bool account_of(struct server *server, const struct request *request, uint32_t *account, struct answer *answer)
{
    int64_t number;
    if (!request_path_number(request, 1, (int64_t)ax_accounts_capacity(server->bank->table) - 1, &number, answer))
        return false;
    *account = (uint32_t)number;
    return true;
}

void bank_balance(struct server *server, const struct request *request, struct answer *answer)
{
    uint32_t account;
    int64_t balance;
    if (!account_of(server, request, &account, answer))
        return;
    ax_status status = ax_accounts_balance(server->bank->table, account, &balance);
    if (status == AX_OK)
        answer_json(answer, 200, "{\"account\":%" PRIu32 ",\"balance\":%" PRId64 "}", account, balance);
    else
        answer_status(answer, status, "the account");
}

static void answer_change(struct answer *answer, ax_status status)
{
    if (status == AX_OK)
        answer_ok(answer);
    else if (status == AX_EINVAL)
        answer_text(answer, 400, "from and to are one account");
    else if (status == AX_EINSUFFICIENT)
        answer_text(answer, 409, "the balance does not cover it");
    else
        answer_status(answer, status, status == AX_ERANGE ? "the balance" : "the account");
}

void bank_deposit(struct server *server, const struct request *request, struct answer *answer)
{
    uint32_t account;
    int64_t amount;
    if (account_of(server, request, &account, answer) && request_number(request, "amount", 0, INT64_MAX, &amount, answer))
        answer_change(answer, ax_accounts_deposit(server->bank->table, account, amount));
}

void bank_withdraw(struct server *server, const struct request *request, struct answer *answer)
{
    uint32_t account;
    int64_t amount;
    if (account_of(server, request, &account, answer) && request_number(request, "amount", 0, INT64_MAX, &amount, answer))
        answer_change(answer, ax_accounts_withdraw(server->bank->table, account, amount));
}

void bank_transfer(struct server *server, const struct request *request, struct answer *answer)
{
    uint32_t from;
    int64_t to, amount;
    if (account_of(server, request, &from, answer) && request_number(request, "to", 0, UINT32_MAX, &to, answer) &&
        request_number(request, "amount", 0, INT64_MAX, &amount, answer))
        answer_change(answer, ax_accounts_transfer(server->bank->table, from, (uint32_t)to, amount));
}

/* All balances as of one instant, and the floors of just these accounts. */
void bank_save(struct bank *bank, struct buffer *out)
{
    uint32_t room = ax_accounts_capacity(bank->table), count = 0;
    int64_t *balances = calloc(room, sizeof *balances);
    ax_status status = AX_ENOMEM;
    if (balances)
        status = ax_accounts_audit_all(bank->table, balances, room, &count, NULL);
    buffer_u64(out, count);
    AX_WITH_LOCK(&bank->opening)
        for (uint32_t i = 0; i < count; i++) {
            buffer_u64(out, (uint64_t)bank->floors[i]);
            buffer_u64(out, (uint64_t)balances[i]);
        }
    free(balances);
    if (status != AX_OK)
        out->failed = true;
}

void bank_load(struct bank *bank, struct reader *in)
{
    uint64_t count = reader_u64(in);
    if (count > ax_accounts_capacity(bank->table))
        reader_refuse(in, "more accounts than --max-accounts");
    for (uint64_t i = 0; i < count && !in->why; i++) {
        int64_t floor = (int64_t)reader_u64(in), balance = (int64_t)reader_u64(in);
        uint32_t account;
        if (balance < floor || balance == INT64_MIN)
            reader_refuse(in, "a balance below its floor");
        ax_status status = in->why ? AX_OK : open_account(bank, floor, &account);
        if (!in->why && status == AX_OK)
            status = balance >= 0 ? ax_accounts_deposit(bank->table, account, balance)
                                  : ax_accounts_withdraw(bank->table, account, -balance);
        if (status != AX_OK)
            reader_refuse(in, ax_strerror(status));
    }
}
