// SPDX-License-Identifier: MIT
// lock_cxx.cc: the guards in C++11, where a block can also be left by an exception.
#include <atomicx/lock.h>

#include <stdexcept>
#include <thread>
#include <vector>

#include "../check.h"

static ax_mutex lock = AX_MUTEX_CHECKED_INIT("lock", 0);
static ax_rwlock table_lock = AX_RWLOCK_INIT;
static long count AX_GUARDED_BY(lock);
static long table AX_GUARDED_BY(table_lock);

static void add_and_throw(int i)
{
    AX_WITH_LOCK(&lock) {
        count++;
        if (i % 2 == 0)
            throw std::runtime_error("out of the block");
    }
}

static void an_exception_releases_the_lock()
{
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; t++)
        threads.emplace_back([] {
            for (int i = 0; i < 1000; i++) {
                try {
                    add_and_throw(i);
                } catch (const std::runtime_error &) {
                    AX_WITH_WRLOCK(&table_lock)
                        table++;
                }
            }
        });
    for (auto &thread : threads)
        thread.join();
    AX_WITH_LOCK(&lock)
        CHECK_EQ(count, 4000);
    AX_WITH_RDLOCK(&table_lock)
        CHECK_EQ(table, 2000);
    CHECK_EQ(ax_lock_misuses(), 0);
}

int main()
{
    RUN(an_exception_releases_the_lock);
    return check_summary();
}
