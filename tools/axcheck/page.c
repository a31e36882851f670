/* SPDX-License-Identifier: MIT */
/* page.c: reports as one page of HTML that needs nothing else: no script, nothing fetched, light and dark. */
#include <inttypes.h>

#include "axcheck.h"

static const char head[] =
    "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>axcheck</title>\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<style>\n"
    ":root{color-scheme:light dark;--ink:#1d2430;--quiet:#667085;--paper:#fff;--card:#f6f7f9;--line:#d5dae1;--bar:#dbe7f7;--edge:#4a78b5;"
    "--bad:#b42318;--badbar:#fbdcd8;--good:#1b7a43}\n"
    "@media(prefers-color-scheme:dark){:root{--ink:#e6e9ee;--quiet:#98a2b3;--paper:#14171c;--card:#1c2027;--line:#343b46;--bar:#1f3552;"
    "--edge:#7ba7e0;--bad:#ff8f83;--badbar:#4b2320;--good:#6fd39a}}\n"
    "body{margin:2.5rem auto;max-width:72rem;padding:0 1.25rem;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif}\n"
    "h1{font-size:1.5rem;margin:0 0 1.5rem}h2{font-size:1.1rem;margin:0;overflow-wrap:anywhere}\n"
    "section{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:1.1rem 1.3rem;margin:0 0 1.5rem}\n"
    ".quiet{color:var(--quiet);fill:var(--quiet);font-size:13px}.violated{color:var(--bad)}.holds{color:var(--good)}\n"
    "ul{list-style:none;padding:0;margin:.8rem 0}li{padding:.15rem 0}li b{display:inline-block;min-width:5.5rem}\n"
    ".scroll{overflow-x:auto}pre{font:13px/1.45 ui-monospace,monospace;overflow-x:auto}\n"
    "svg text{font:13px ui-monospace,monospace;fill:var(--ink)}svg .who{fill:var(--quiet)}\n"
    ".lane{stroke:var(--line);stroke-width:1.5}.tick{stroke:var(--line);stroke-dasharray:2 4}\n"
    ".op rect{fill:var(--bar);stroke:var(--edge);stroke-width:1.5}.open rect{stroke-dasharray:6 4}\n"
    ".last rect{fill:var(--badbar);stroke:var(--bad)}\n"
    "</style></head><body>\n<h1>axcheck</h1>\n";

static void escaped(FILE *page, const char *text)
{
    for (; *text != '\0'; text++)
        switch (*text) {
        case '<':
            fputs("&lt;", page);
            break;
        case '>':
            fputs("&gt;", page);
            break;
        case '&':
            fputs("&amp;", page);
            break;
        case '"':
            fputs("&quot;", page);
            break;
        default:
            fputc((unsigned char)*text < ' ' && *text != '\n' ? '?' : *text, page);
        }
}

void axc_page_begin(FILE *page)
{
    fputs(head, page);
}

void axc_page_file(FILE *page, const char *file, const struct axc_report *report)
{
    static const char *const words[] = {
        [AXC_HOLDS] = "holds",     [AXC_VIOLATED] = "violated", [AXC_VACUOUS] = "vacuous",
        [AXC_GAVE_UP] = "gave up", [AXC_CORRUPT] = "corrupt",   [AXC_FAILED] = "failed",
    };
    fputs("<section><h2>", page);
    escaped(page, file);
    fprintf(page, ": <span class=\"%s\">%s</span></h2>\n<p class=\"quiet\">", report->verdict == AXC_HOLDS ? "holds" : "violated",
            words[report->verdict]);
    escaped(page, report->subject);
    fputs("</p>\n", page);
    if (report->reason[0] != '\0') {
        fputs("<p>", page);
        if (report->verdict == AXC_CORRUPT)
            fprintf(page, "At byte %" PRIu64 ": ", report->offset);
        escaped(page, report->reason);
        fputs("</p>\n", page);
    }
    fputs("<ul>", page);
    for (size_t i = 0; i < report->count; i++) {
        const struct axc_invariant *line = &report->invariants[i];
        fprintf(page, "<li><b class=\"%s\">%s</b> %s: ", line->holds ? "holds" : "violated", line->holds ? "holds" : "violated", line->name);
        escaped(page, line->text);
        fputs("</li>\n", page);
    }
    fputs("</ul>\n", page);
    if (report->picture != NULL)
        fprintf(page, "<div class=\"scroll\">%s</div>\n", report->picture);
    if (report->detail != NULL) {
        fputs("<pre>", page);
        escaped(page, report->detail);
        fputs("</pre>\n", page);
    }
    fputs("</section>\n", page);
}

void axc_page_end(FILE *page)
{
    fputs("<p class=\"quiet\">Bars are operations from invocation to answer; dashed ones were never answered. Red marks the answer from which on no "
          "order explains the results.</p>\n</body></html>\n", page);
}
