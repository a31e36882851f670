// SPDX-License-Identifier: MIT
/* Java's own, for bench/peer.h: a line "CASE THREADS N" is answered by the nanoseconds it took. */
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.ReentrantLock;

public final class Peers {
    private interface Work {
        /** n operations of one thread; what it returns keeps the results alive. */
        long run(int thread, long n) throws Exception;
    }

    private static final LongAdder adder = new LongAdder();
    private static final ReentrantLock lock = new ReentrantLock();
    private static long tickets;

    private static final long ENTRIES = Long.parseLong(System.getenv().getOrDefault("AX_BENCH_ENTRIES", "1048576"));
    private static final ConcurrentHashMap<Long, Long> map = new ConcurrentHashMap<>();
    private static ConcurrentHashMap<Long, Long> growing;
    private static int[] zipf;

    /** As map_peers.h's map_bench_key. */
    private static long key(long i) {
        i += 0x9e3779b97f4a7c15L;
        i = (i ^ i >>> 30) * 0xbf58476d1ce4e5b9L;
        i = (i ^ i >>> 27) * 0x94d049bb133111ebL;
        return i ^ i >>> 31;
    }

    private static long draw(long state) {
        state ^= state << 13;
        state ^= state >>> 7;
        return state ^ state << 17;
    }

    private static void fill() {
        if (zipf != null)
            return;
        for (long i = 0; i < ENTRIES; i++)
            map.put(key(i), i);
        double s = Double.parseDouble(System.getenv().getOrDefault("AX_BENCH_SKEW", "0.99"));
        double top = (Math.pow(ENTRIES, 1 - s) - 1) / (1 - s);
        long state = 42;
        zipf = new int[1 << 20];
        for (int i = 0; i < zipf.length; i++) {
            state = draw(state);
            double u = (state >>> 11) / 9007199254740992.0;
            zipf[i] = (int) Math.min(Math.pow(u * top * (1 - s) + 1, 1 / (1 - s)) - 1, ENTRIES - 1);
        }
    }

    private static long seed(int thread) {
        return thread * 0x9e3779b97f4a7c15L + 88172645463325252L;
    }

    private static long must(Long value) {
        if (value == null)
            throw new IllegalStateException("a key is missing");
        return value;
    }

    private static final Map<String, Work> works = new HashMap<>();
    static {
        works.put("adder", (thread, n) -> {
            for (long i = 0; i < n; i++)
                adder.increment();
            return 0;
        });
        works.put("tickets", (thread, n) -> {
            long sold = 0;
            for (long i = 0; i < n; i++) {
                lock.lock();
                try {
                    if (tickets > 0) {
                        tickets--;
                        sold++;
                    }
                } finally {
                    lock.unlock();
                }
            }
            return sold;
        });
        works.put("get", (thread, n) -> {
            long state = seed(thread), sum = 0;
            for (long i = 0; i < n; i++) {
                state = draw(state);
                sum += must(map.get(key(state & ENTRIES - 1)));
            }
            return sum;
        });
        works.put("miss", (thread, n) -> {
            long state = seed(thread), found = 0;
            for (long i = 0; i < n; i++) {
                state = draw(state);
                if (map.get(key(ENTRIES + (state & ENTRIES - 1))) != null)
                    found++;
            }
            return found;
        });
        works.put("zipf", (thread, n) -> {
            long sum = 0;
            int at = thread * (zipf.length / 7);
            for (long i = 0; i < n; i++)
                sum += must(map.get(key(zipf[at++ & zipf.length - 1])));
            return sum;
        });
        works.put("update", (thread, n) -> {
            long state = seed(thread);
            for (long i = 0; i < n; i++) {
                state = draw(state);
                map.put(key(state & ENTRIES - 1), i);
            }
            return 0;
        });
        works.put("add", (thread, n) -> {
            int at = thread * (zipf.length / 7);
            for (long i = 0; i < n; i++)
                map.merge(key(zipf[at++ & zipf.length - 1]), 1L, Long::sum);
            return 0;
        });
        works.put("hot", (thread, n) -> {
            for (long i = 0; i < n; i++)
                map.merge(key(7), 1L, Long::sum);
            return 0;
        });
        works.put("churn", (thread, n) -> {
            long state = seed(thread), sum = 0;
            for (long i = 0; i < n; i++) {
                state = draw(state);
                long k = key(ENTRIES * (2 + thread) + (state & 65535));
                map.put(k, i);
                sum += must(map.remove(k));
            }
            return sum;
        });
        works.put("grow", (thread, n) -> {
            for (long i = 0; i < n; i++)
                growing.put(key((long) thread << 40 | i), i);
            return 0;
        });
    }

    private static final AtomicLong sink = new AtomicLong();

    private static long time(Work work, int threads, long n) throws Exception {
        tickets = threads * n;
        growing = new ConcurrentHashMap<>();
        CyclicBarrier start = new CyclicBarrier(threads);
        long[] begun = new long[threads], ended = new long[threads];
        Thread[] thread = new Thread[threads];
        for (int t = 0; t < threads; t++) {
            int me = t;
            thread[t] = new Thread(() -> {
                try {
                    start.await();
                    begun[me] = System.nanoTime();
                    sink.addAndGet(work.run(me, n));
                    ended[me] = System.nanoTime();
                } catch (Exception e) {
                    e.printStackTrace();
                    System.exit(1);
                }
            });
            thread[t].start();
        }
        long first = Long.MAX_VALUE, last = Long.MIN_VALUE;
        for (int t = 0; t < threads; t++) {
            thread[t].join();
            first = Math.min(first, begun[t]);
            last = Math.max(last, ended[t]);
        }
        return last - first;
    }

    public static void main(String[] arguments) throws Exception {
        Set<String> warm = new HashSet<>();
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        for (String line; (line = in.readLine()) != null;) {
            String[] words = line.split(" ");
            int threads = Integer.parseInt(words[1]);
            long n = Long.parseLong(words[2]);
            Work work = works.get(words[0]);
            if (!words[0].equals("adder") && !words[0].equals("tickets"))
                fill();
            if (warm.add(words[0])) // until the compiler has made what it makes of it
                for (int i = 0; i < 3; i++)
                    time(work, threads, Math.max(n / 4, 1));
            System.out.println(time(work, threads, n));
            System.out.flush();
        }
    }
}
