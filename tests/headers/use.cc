// SPDX-License-Identifier: MIT
// A C++11 program that uses what C++ sees of each header, inline functions and symbols alike.
#include <atomicx/adder.h>
#include <atomicx/alloc.h>
#include <atomicx/counter.h>
#include <atomicx/status.h>
#include <atomicx/tickets.h>

#include <thread>
#include <vector>

#include "../check.h"

static ax_counter logins = AX_COUNTER_INIT(0);
static ax_adder requests = AX_ADDER_INIT;

static void the_primitives_work_from_cxx_threads()
{
    ax_tickets *hall = nullptr;
    CHECK_EQ(ax_tickets_create(1000, 4, nullptr, &hall), AX_OK);
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; t++)
        threads.emplace_back([hall] {
            ax_lease lease;
            uint32_t seat;
            ax_lease_open(&lease, hall, 10);
            while (ax_lease_sell(&lease, &seat) == AX_OK) {
                ax_counter_add(&logins, 1);
                ax_adder_add(&requests, 2);
            }
            CHECK_EQ(ax_lease_close(&lease), AX_OK);
        });
    for (auto &thread : threads)
        thread.join();
    uint32_t seat;
    while (ax_tickets_sell(hall, &seat) == AX_OK) {
        ax_counter_add(&logins, 1);
        ax_adder_add(&requests, 2);
    }
    CHECK_EQ(ax_counter_read(&logins), 1000);
    CHECK_EQ(ax_adder_sum(&requests), 2000);
    CHECK_STR(ax_strerror(AX_ESOLDOUT), "sold out");
    ax_tickets_destroy(hall);
}

int main()
{
    RUN(the_primitives_work_from_cxx_threads);
    return check_summary();
}
