// SPDX-License-Identifier: MIT

// Go's own, for bench/peer.h: a line "CASE THREADS N" is answered by a line a thread, which is a goroutine.
package main

import (
	"bufio"
	"fmt"
	"math"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

var counter atomic.Int64

var mutex sync.Mutex
var tickets int64

var entries uint64 = 1 << 20
var table sync.Map // uint64 to *atomic.Uint64
var growing *sync.Map
var zipf []uint32

// As map_peers.h's map_bench_key.
func key(i uint64) uint64 {
	i += 0x9e3779b97f4a7c15
	i = (i ^ i>>30) * 0xbf58476d1ce4e5b9
	i = (i ^ i>>27) * 0x94d049bb133111eb
	return i ^ i>>31
}

func draw(state *uint64) uint64 {
	*state ^= *state << 13
	*state ^= *state >> 7
	*state ^= *state << 17
	return *state
}

func put(m *sync.Map, k, value uint64) {
	if found, there := m.Load(k); there {
		found.(*atomic.Uint64).Store(value)
		return
	}
	fresh := new(atomic.Uint64)
	fresh.Store(value)
	m.Store(k, fresh)
}

func fill() {
	if zipf != nil {
		return
	}
	for i := uint64(0); i < entries; i++ {
		put(&table, key(i), i)
	}
	state, s := uint64(42), 0.99
	if text, given := os.LookupEnv("AX_BENCH_SKEW"); given {
		s, _ = strconv.ParseFloat(text, 64)
	}
	top := (math.Pow(float64(entries), 1-s) - 1) / (1 - s)
	zipf = make([]uint32, 1<<20)
	for i := range zipf {
		u := float64(draw(&state)>>11) / 9007199254740992.0
		zipf[i] = uint32(math.Min(math.Pow(u*top*(1-s)+1, 1/(1-s))-1, float64(entries-1)))
	}
}

func at(k uint64) *atomic.Uint64 {
	found, there := table.Load(k)
	if !there {
		panic("a key is missing")
	}
	return found.(*atomic.Uint64)
}

func work(name string, thread int, from, to uint64) (sum uint64) {
	state := key(from) + uint64(thread)*0x9e3779b97f4a7c15 | 1
	rank := thread*(1<<20/7) + int(from)
	next := func() uint64 {
		rank++
		return key(uint64(zipf[rank&(1<<20-1)]))
	}
	for i := from; i < to; i++ {
		switch name {
		case "adder":
			counter.Add(1)
		case "tickets":
			mutex.Lock()
			if tickets > 0 {
				tickets--
				sum++
			}
			mutex.Unlock()
		case "get":
			sum += at(key(draw(&state) & (entries - 1))).Load()
		case "miss":
			if _, there := table.Load(key(entries + draw(&state)&(entries-1))); there {
				panic("a ghost")
			}
		case "zipf":
			sum += at(next()).Load()
		case "update":
			at(key(draw(&state) & (entries - 1))).Store(i)
		case "add":
			at(next()).Add(1)
		case "hot":
			at(key(7)).Add(1)
		case "churn":
			k := key(2*entries + uint64(thread)<<16 + draw(&state)&65535)
			put(&table, k, i)
			table.Delete(k)
		case "grow":
			put(growing, key(uint64(thread)<<40|i), i)
		}
	}
	return sum
}

const chunks = 64 // as overlap.h's

var sink atomic.Uint64
var begun = time.Now()

type stamps [chunks + 2]int64

func track(name string, thread, threads int, n uint64, arrived *atomic.Int64, at *stamps) {
	at[0] = time.Since(begun).Nanoseconds()
	arrived.Add(1)
	for arrived.Load() < int64(threads) { // as run.c's gate
		if threads > runtime.GOMAXPROCS(0) {
			runtime.Gosched()
		}
	}
	at[1] = time.Since(begun).Nanoseconds()
	for i := uint64(0); i < chunks; i++ {
		sink.Add(work(name, thread, n*i/chunks, n*(i+1)/chunks))
		at[i+2] = time.Since(begun).Nanoseconds()
	}
}

func run(name string, threads int, n uint64) {
	tickets = int64(n) * int64(threads)
	growing = new(sync.Map)
	var arrived atomic.Int64
	var done sync.WaitGroup
	tracks := make([]stamps, threads)
	done.Add(threads)
	for t := 0; t < threads; t++ {
		go func(t int) {
			track(name, t, threads, n, &arrived, &tracks[t])
			done.Done()
		}(t)
	}
	done.Wait()
	for _, stamps := range tracks {
		fmt.Println(strings.Trim(fmt.Sprint(stamps), "[]"))
	}
}

func main() {
	if text, given := os.LookupEnv("AX_BENCH_ENTRIES"); given {
		entries, _ = strconv.ParseUint(text, 10, 64)
	}
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		var name string
		var threads int
		var n uint64
		fmt.Sscan(in.Text(), &name, &threads, &n)
		if name != "adder" && name != "tickets" {
			fill()
		}
		run(name, threads, n)
	}
}
