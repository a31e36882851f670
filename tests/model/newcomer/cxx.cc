// SPDX-License-Identifier: MIT
// What a C++ program uses of the standard library, where libstdc++ does the work out of sight.
#include "atomicx/model.h"

#include <atomic>
#include <cassert>
#include <future>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <stdexcept>
#include <thread>

static std::atomic<int> n;
static int data;

AX_MODEL_BROKEN(message_by_a_relaxed_flag, "data race")
{
    std::atomic<bool> ready{false};
    std::thread a([&] {
        data = 1;
        ready.store(true, std::memory_order_relaxed);
    });
    if (ready.load(std::memory_order_acquire))
        assert(data == 1);
    a.join();
}

AX_MODEL_TEST(shared_pointer)
{
    auto p = std::make_shared<int>(4);
    std::thread a([p] { assert(*p == 4); });
    p.reset();
    a.join();
}

AX_MODEL_TEST(atomic_operations_on_a_shared_pointer)
{
    auto p = std::make_shared<int>(1);
    std::thread a([&] { std::atomic_store(&p, std::make_shared<int>(2)); });
    auto q = std::atomic_load(&p);
    assert(*q == 1 || *q == 2);
    a.join();
}

static int of_all()
{
    static int value = ++n;
    return value;
}

AX_MODEL_TEST(static_of_a_function)
{
    int theirs = 0;
    std::thread a([&] { theirs = of_all(); });
    int ours = of_all();
    a.join();
    assert(ours == 1 && theirs == 1);
}

static int throws_first()
{
    static int value = ++n == 1 ? throw std::runtime_error("not yet") : 5;
    return value;
}

AX_MODEL_TEST(static_that_throws_first)
{
    auto f = [] {
        try {
            assert(throws_first() == 5);
        } catch (const std::runtime_error &) {
            assert(throws_first() == 5);
        }
    };
    std::thread a(f);
    f();
    a.join();
}

struct counted {
    int value = 3;
    counted() { n++; }
    ~counted() { n--; }
};
static thread_local counted own;

AX_MODEL_TEST(thread_local_object_has_a_destructor)
{
    std::thread a([] { assert(own.value == 3 && n == 1); });
    a.join();
    assert(n == 0);
}

AX_MODEL_TEST(promise_is_kept)
{
    std::promise<int> p;
    auto f = p.get_future();
    std::thread a([&] {
        data = 7;
        p.set_value(3);
    });
    assert(f.get() == 3 && data == 7);
    a.join();
}

AX_MODEL_TEST(flag_as_a_lock)
{
    std::atomic_flag flag = ATOMIC_FLAG_INIT;
    int k = 0;
    auto f = [&] {
        while (flag.test_and_set(std::memory_order_acquire))
            std::this_thread::yield();
        k++;
        flag.clear(std::memory_order_release);
    };
    std::thread a(f);
    f();
    a.join();
    assert(k == 2);
}

AX_MODEL_TEST(shared_mutex)
{
    std::shared_mutex m;
    int v = 0;
    std::thread a([&] {
        std::unique_lock<std::shared_mutex> l(m);
        v++;
    });
    {
        std::shared_lock<std::shared_mutex> l(m);
        assert(v == 0 || v == 1);
    }
    a.join();
}

// Each ends the program, by way of libstdc++'s abort().
AX_MODEL_BROKEN(exception_that_nobody_catches, "exit") { throw std::runtime_error("on purpose"); }
AX_MODEL_BROKEN(thread_that_nobody_joins, "exit")
{
    std::thread a([] {});
}

// libstdc++ keeps the function of a call_once and the exceptions that are being handled per thread.
static std::once_flag first, second;

AX_MODEL_TEST(two_once_flags)
{
    int a = 0, b = 0;
    std::thread t([&] { std::call_once(first, [&] { a = 1; }); });
    std::call_once(second, [&] { b = 2; });
    t.join();
    assert(a == 1 && b == 2);
}

AX_MODEL_TEST(exceptions_of_two_threads)
{
    auto f = [](int k) {
        try {
            throw k;
        } catch (int e) {
            n.fetch_add(1);
            try {
                throw std::runtime_error("inner");
            } catch (const std::runtime_error &) {
                n.fetch_add(1);
            }
            n.load();
            assert(e == k);
            try {
                throw;
            } catch (int again) {
                assert(again == k);
            }
        }
    };
    std::thread t(f, 1);
    f(2);
    t.join();
    assert(n == 4);
}
