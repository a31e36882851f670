/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "server.h"

#define PATH1(a) { { a, sizeof a - 1 } }, 1
#define PATH2(a, b) { { a, sizeof a - 1 }, { b, sizeof b - 1 } }, 2
#define PATH3(a, b, c) { { a, sizeof a - 1 }, { b, sizeof b - 1 }, { c, sizeof c - 1 } }, 3

/* The busiest first. */
static const struct route routes[] = {
    { "GET", PATH1("inc"), counters_inc, NULL },
    { "GET", PATH1("get"), counters_get, NULL },
    { "GET", PATH1("set"), counters_set, NULL },
    { "POST", PATH1("jobs"), jobs_post, NULL },
    { "GET", PATH1("jobs"), NULL, jobs_list },
    { "DELETE", PATH1("jobs"), NULL, jobs_delete_all },
    { "GET", PATH2("jobs", "*"), jobs_get, NULL },
    { "POST", PATH2("jobs", "*"), jobs_put, NULL },
    { "DELETE", PATH2("jobs", "*"), jobs_delete, NULL },
    { "POST", PATH3("tickets", "*", "sell"), events_sell, shared_events_sell },
    { "POST", PATH3("tickets", "*", "refund"), events_refund, NULL },
    { "GET", PATH2("tickets", "*"), events_left, shared_events_left },
    { "POST", PATH2("tickets", "*"), NULL, events_open },
    { "POST", PATH3("accounts", "*", "transfer"), bank_transfer, NULL },
    { "POST", PATH3("accounts", "*", "deposit"), bank_deposit, NULL },
    { "POST", PATH3("accounts", "*", "withdraw"), bank_withdraw, NULL },
    { "GET", PATH2("accounts", "*"), bank_balance, NULL },
    { "POST", PATH1("accounts"), bank_open, NULL },
    { "GET", PATH1("accounts"), NULL, bank_audit },
    { "GET", PATH1("memo"), memo_peek, memo_compute },
    { "GET", PATH1("healthz"), healthz_get, NULL },
    { "GET", PATH1("metrics"), metrics_get, NULL },
};
enum { ROUTES = sizeof routes / sizeof *routes };

static bool is_any(struct text text)
{
    return text.length == 1 && text.bytes[0] == '*';
}

static bool fits(const struct route *route, const struct query *query)
{
    if (route->segments != query->segments)
        return false;
    for (size_t i = 0; i < route->segments; i++)
        if (!is_any(route->segment[i]) && !text_equal(route->segment[i], query->segment[i]))
            return false;
    return true;
}

const struct route *route_find(const struct query *query, const char *method, struct answer *answer)
{
    struct buffer allow = { 0 };
    for (size_t i = 0; i < ROUTES; i++) {
        if (!fits(&routes[i], query))
            continue;
        if (strcmp(routes[i].method, method) == 0 || (strcmp(method, "HEAD") == 0 && strcmp(routes[i].method, "GET") == 0)) {
            buffer_free(&allow);
            return &routes[i];
        }
        buffer_printf(&allow, "%s%s", allow.length > 0 ? ", " : "", routes[i].method);
    }
    if (allow.length > 0)
        answer_text(answer, 405, "the method is not one of %s", allow.bytes);
    else
        answer_text(answer, 404, "there is nothing here");
    answer->allow = allow.bytes;
    return NULL;
}

size_t route_count(void)
{
    return ROUTES;
}

size_t route_number(const struct route *route)
{
    return route ? (size_t)(route - routes) : ROUTES;
}

void route_labels(size_t number, struct buffer *out)
{
    if (number >= ROUTES) {
        buffer_printf(out, "method=\"\",route=\"\"");
        return;
    }
    buffer_printf(out, "method=\"%s\",route=\"", routes[number].method);
    for (size_t i = 0; i < routes[number].segments; i++)
        buffer_printf(out, "/%s", routes[number].segment[i].bytes);
    buffer_put(out, "\"", 1);
}
