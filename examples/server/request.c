/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "server.h"

void answer_ok(struct answer *answer)
{
    answer->status = 200;
    answer->is_ok = true;
}

static void answer_line(struct answer *answer, unsigned status, const char *type, const char *format, va_list arguments)
{
    answer->status = status;
    answer->type = type;
    buffer_vprintf(&answer->body, format, arguments);
    buffer_put(&answer->body, "\n", 1);
}

void answer_text(struct answer *answer, unsigned status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    answer_line(answer, status, "text/plain; charset=utf-8", format, arguments);
    va_end(arguments);
}

void answer_json(struct answer *answer, unsigned status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    answer_line(answer, status, "application/json", format, arguments);
    va_end(arguments);
}

void answer_status(struct answer *answer, ax_status status, const char *what)
{
    switch (status) {
    case AX_ENOTFOUND:
        answer_text(answer, 404, "%s: there is none", what);
        break;
    case AX_EEXIST:
        answer_text(answer, 409, "%s is there already", what);
        break;
    case AX_ERANGE:
        answer_text(answer, 409, "%s would not fit in 64 bits", what);
        break;
    case AX_EAGAIN:
        answer_text(answer, 429, "%s: too much at once, try later", what);
        break;
    default: /* memory ran out: the one thing here that is not the client's doing */
        answer_text(answer, 503, "%s: %s", what, ax_strerror(status));
        break;
    }
}

static bool check_name(const struct request *request, const char *what, struct text name, struct answer *answer)
{
    int64_t most = request->server->options.max_key;
    if (name.length > (size_t)most)
        answer_text(answer, 400, "%s is longer than %" PRId64 " bytes", what, most);
    else if (name.length == 0)
        answer_text(answer, 400, "%s is empty", what);
    else
        return true;
    return false;
}

bool request_name(const struct request *request, const char *parameter, struct text *name, struct answer *answer)
{
    const struct text *value = query_find(&request->query, parameter);
    if (!value) {
        answer_text(answer, 400, "%s is missing", parameter);
        return false;
    }
    *name = *value;
    return check_name(request, parameter, *value, answer);
}

bool request_number(const struct request *request, const char *parameter, int64_t least, int64_t most, int64_t *number,
                    struct answer *answer)
{
    const struct text *value = query_find(&request->query, parameter);
    if (!value) {
        answer_text(answer, 400, "%s is missing", parameter);
        return false;
    }
    switch (text_number(*value, least, most, number)) {
    case NUMBER_OK:
        return true;
    case NUMBER_NONE:
        answer_text(answer, 400, "%s is not a number", parameter);
        return false;
    case NUMBER_RANGE:
    default:
        answer_text(answer, 400, "%s is out of range: %" PRId64 " to %" PRId64, parameter, least, most);
        return false;
    }
}

bool request_path_name(const struct request *request, size_t part, struct text *name, struct answer *answer)
{
    *name = request->query.segment[part];
    return check_name(request, "the name in the path", *name, answer);
}

bool request_path_number(const struct request *request, size_t part, int64_t most, int64_t *number, struct answer *answer)
{
    if (text_number(request->query.segment[part], 0, most, number) == NUMBER_OK)
        return true;
    answer_text(answer, 404, "there is nothing of that number");
    return false;
}
