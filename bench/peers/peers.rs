// SPDX-License-Identifier: MIT
// Rust's standard library, for bench/peer.h: a line "CASE THREADS N" is answered by a line a thread. The map is a
// HashMap of atomics behind a read-write lock, which changes of existing values take for reading.
use std::collections::HashMap;
use std::io::BufRead;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed, Ordering::SeqCst};
use std::sync::{Arc, Mutex, RwLock};
use std::time::Instant;

const DRAWS: usize = 1 << 20;

struct World {
    counter: AtomicI64,
    tickets: Mutex<u64>,
    entries: u64,
    map: RwLock<HashMap<u64, AtomicU64>>,
    growing: RwLock<HashMap<u64, AtomicU64>>,
    zipf: Vec<u32>,
    sink: AtomicU64,
    begun: Instant,
    arrived: AtomicU64,
}

// As map_peers.h's map_bench_key.
fn key(i: u64) -> u64 {
    let mut i = i.wrapping_add(0x9e3779b97f4a7c15);
    i = (i ^ i >> 30).wrapping_mul(0xbf58476d1ce4e5b9);
    i = (i ^ i >> 27).wrapping_mul(0x94d049bb133111eb);
    i ^ i >> 31
}

fn draw(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

fn fill(world: &mut World) {
    if !world.zipf.is_empty() {
        return;
    }
    let map = world.map.get_mut().unwrap();
    for i in 0..world.entries {
        map.insert(key(i), AtomicU64::new(i));
    }
    let s: f64 = std::env::var("AX_BENCH_SKEW").map_or(0.99, |text| text.parse().unwrap());
    let last = (world.entries - 1) as f64;
    let top = ((world.entries as f64).powf(1.0 - s) - 1.0) / (1.0 - s);
    let mut state = 42;
    for _ in 0..DRAWS {
        let u = (draw(&mut state) >> 11) as f64 / 9007199254740992.0;
        world.zipf.push(((u * top * (1.0 - s) + 1.0).powf(1.0 / (1.0 - s)) - 1.0).min(last) as u32);
    }
}

fn put(map: &RwLock<HashMap<u64, AtomicU64>>, k: u64, value: u64) {
    if let Some(found) = map.read().unwrap().get(&k) {
        found.store(value, Relaxed);
        return;
    }
    map.write().unwrap().insert(k, AtomicU64::new(value));
}

fn work(world: &World, name: &str, thread: u64, from: u64, to: u64) -> u64 {
    let mut state = key(from).wrapping_add(thread.wrapping_mul(0x9e3779b97f4a7c15)) | 1;
    let mut rank = thread as usize * (DRAWS / 7) + from as usize;
    let mut sum = 0;
    let mask = world.entries - 1;
    let get = |k: u64| world.map.read().unwrap().get(&k).expect("a key is missing").load(Relaxed);
    let add = |k: u64| world.map.read().unwrap().get(&k).expect("a key is missing").fetch_add(1, Relaxed);
    let mut next = || {
        rank += 1;
        key(world.zipf[rank & (DRAWS - 1)] as u64)
    };
    for i in from..to {
        match name {
            "adder" => {
                world.counter.fetch_add(1, Relaxed);
            }
            "tickets" => {
                let mut left = world.tickets.lock().unwrap();
                if *left > 0 {
                    *left -= 1;
                    sum += 1;
                }
            }
            "get" => sum += get(key(draw(&mut state) & mask)),
            "miss" => assert!(!world.map.read().unwrap().contains_key(&key(world.entries + (draw(&mut state) & mask)))),
            "zipf" => sum += get(next()),
            "update" => put(&world.map, key(draw(&mut state) & mask), i),
            "add" => sum += add(next()),
            "hot" => sum += add(key(7)),
            "churn" => {
                let k = key(2 * world.entries + (thread << 16) + (draw(&mut state) & 65535));
                put(&world.map, k, i);
                world.map.write().unwrap().remove(&k).expect("a key is missing");
            }
            _ => put(&world.growing, key(thread << 40 | i), i),
        }
    }
    sum
}

const CHUNKS: u64 = 64; // as overlap.h's

fn track(world: &World, name: &str, thread: u64, threads: u64, n: u64) -> Vec<u128> {
    let now = || world.begun.elapsed().as_nanos();
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
    let mut stamps = vec![now()];
    world.arrived.fetch_add(1, SeqCst);
    while world.arrived.load(SeqCst) < threads {
        // as run.c's gate
        if threads > cores {
            std::thread::yield_now();
        }
    }
    stamps.push(now());
    for i in 0..CHUNKS {
        world.sink.fetch_add(work(world, name, thread, n * i / CHUNKS, n * (i + 1) / CHUNKS), Relaxed);
        stamps.push(now());
    }
    stamps
}

fn run(world: &Arc<World>, name: &str, threads: u64, n: u64) {
    *world.tickets.lock().unwrap() = threads * n;
    world.growing.write().unwrap().clear();
    world.arrived.store(0, SeqCst);
    let handles: Vec<_> = (0..threads)
        .map(|thread| {
            let (world, name) = (world.clone(), name.to_string());
            std::thread::spawn(move || track(&world, &name, thread, threads, n))
        })
        .collect();
    for handle in handles {
        let stamps: Vec<_> = handle.join().unwrap().iter().map(u128::to_string).collect();
        println!("{}", stamps.join(" "));
    }
}

fn main() {
    let entries = std::env::var("AX_BENCH_ENTRIES").map_or(1 << 20, |text| text.parse().unwrap());
    let mut world = Arc::new(World {
        counter: AtomicI64::new(0),
        tickets: Mutex::new(0),
        entries,
        map: RwLock::new(HashMap::new()),
        growing: RwLock::new(HashMap::new()),
        zipf: Vec::new(),
        sink: AtomicU64::new(0),
        begun: Instant::now(),
        arrived: AtomicU64::new(0),
    });
    for line in std::io::stdin().lock().lines() {
        let line = line.unwrap();
        let words: Vec<_> = line.split(' ').collect();
        if words[0] != "adder" && words[0] != "tickets" {
            fill(Arc::get_mut(&mut world).unwrap());
        }
        run(&world, words[0], words[1].parse().unwrap(), words[2].parse().unwrap());
    }
}
