// SPDX-License-Identifier: MIT
/* Java's own, for bench/peer.h: a line "CASE THREADS N" is answered by a line a thread. */
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.ReentrantLock;

public final class Peers {
    private interface Work {
        /** Operations from to to of one thread; what it returns keeps the results alive. */
        long run(int thread, long from, long to);
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

    private static long seed(int thread, long from) {
        return key(from) + thread * 0x9e3779b97f4a7c15L | 1;
    }

    private static long must(Long value) {
        if (value == null)
            throw new IllegalStateException("a key is missing");
        return value;
    }

    private static final Map<String, Work> works = new HashMap<>();
    static {
        works.put("adder", (thread, from, to) -> {
            for (long i = from; i < to; i++)
                adder.increment();
            return 0;
        });
        works.put("tickets", (thread, from, to) -> {
            long sold = 0;
            for (long i = from; i < to; i++) {
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
        works.put("get", (thread, from, to) -> {
            long state = seed(thread, from), sum = 0;
            for (long i = from; i < to; i++) {
                state = draw(state);
                sum += must(map.get(key(state & ENTRIES - 1)));
            }
            return sum;
        });
        works.put("miss", (thread, from, to) -> {
            long state = seed(thread, from), found = 0;
            for (long i = from; i < to; i++) {
                state = draw(state);
                if (map.get(key(ENTRIES + (state & ENTRIES - 1))) != null)
                    found++;
            }
            return found;
        });
        works.put("zipf", (thread, from, to) -> {
            long sum = 0;
            int at = thread * (zipf.length / 7) + (int) from;
            for (long i = from; i < to; i++)
                sum += must(map.get(key(zipf[at++ & zipf.length - 1])));
            return sum;
        });
        works.put("update", (thread, from, to) -> {
            long state = seed(thread, from);
            for (long i = from; i < to; i++) {
                state = draw(state);
                map.put(key(state & ENTRIES - 1), i);
            }
            return 0;
        });
        works.put("add", (thread, from, to) -> {
            int at = thread * (zipf.length / 7) + (int) from;
            for (long i = from; i < to; i++)
                map.merge(key(zipf[at++ & zipf.length - 1]), 1L, Long::sum);
            return 0;
        });
        works.put("hot", (thread, from, to) -> {
            for (long i = from; i < to; i++)
                map.merge(key(7), 1L, Long::sum);
            return 0;
        });
        works.put("churn", (thread, from, to) -> {
            long state = seed(thread, from), sum = 0;
            for (long i = from; i < to; i++) {
                state = draw(state);
                long k = key(2 * ENTRIES + ((long) thread << 16) + (state & 65535));
                map.put(k, i);
                sum += must(map.remove(k));
            }
            return sum;
        });
        works.put("grow", (thread, from, to) -> {
            for (long i = from; i < to; i++)
                growing.put(key((long) thread << 40 | i), i);
            return 0;
        });
    }

    private static final int CHUNKS = 64; // as overlap.h's
    private static final int CORES = Runtime.getRuntime().availableProcessors();
    private static final AtomicLong sink = new AtomicLong();
    private static final AtomicInteger arrived = new AtomicInteger();

    private static void track(Work work, int thread, int threads, long n, long[] stamps) {
        stamps[0] = System.nanoTime();
        arrived.incrementAndGet();
        while (arrived.get() < threads) // as run.c's gate
            if (threads > CORES)
                Thread.yield();
        stamps[1] = System.nanoTime();
        for (int i = 0; i < CHUNKS; i++) {
            sink.addAndGet(work.run(thread, n * i / CHUNKS, n * (i + 1) / CHUNKS));
            stamps[i + 2] = System.nanoTime();
        }
    }

    private static String tracks(Work work, int threads, long n) throws InterruptedException {
        tickets = threads * n;
        growing = new ConcurrentHashMap<>();
        arrived.set(0);
        long[][] stamps = new long[threads][CHUNKS + 2];
        Thread[] thread = new Thread[threads];
        for (int t = 0; t < threads; t++) {
            int me = t;
            thread[t] = new Thread(() -> track(work, me, threads, n, stamps[me]));
            thread[t].setUncaughtExceptionHandler((who, e) -> {
                e.printStackTrace();
                Runtime.getRuntime().halt(1);
            });
            thread[t].start();
        }
        StringBuilder lines = new StringBuilder();
        for (int t = 0; t < threads; t++) {
            thread[t].join();
            for (long stamp : stamps[t])
                lines.append(stamp).append(' ');
            lines.append('\n');
        }
        return lines.toString();
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
                    tracks(work, threads, Math.max(n / 4, 1));
            System.out.print(tracks(work, threads, n));
            System.out.flush();
        }
    }
}
