// SPDX-License-Identifier: MIT

// counterstore: the server that people write first, as a peer to compare with: net/http, a map, and a mutex.
package main

import (
	"fmt"
	"log"
	"net"
	"net/http"
	"strconv"
	"sync"
)

type counterStore struct {
	mutex    sync.Mutex
	counters map[string]int64
}

func (store *counterStore) get(w http.ResponseWriter, request *http.Request) {
	name := request.URL.Query().Get("name")
	store.mutex.Lock()
	value, found := store.counters[name]
	store.mutex.Unlock()
	if !found {
		http.Error(w, name+" not found", http.StatusNotFound)
		return
	}
	fmt.Fprintf(w, "%s: %d\n", name, value)
}

func (store *counterStore) set(w http.ResponseWriter, request *http.Request) {
	query := request.URL.Query()
	value, err := strconv.ParseInt(query.Get("val"), 10, 64)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	store.mutex.Lock()
	store.counters[query.Get("name")] = value
	store.mutex.Unlock()
	fmt.Fprint(w, "ok\n")
}

func (store *counterStore) inc(w http.ResponseWriter, request *http.Request) {
	name := request.URL.Query().Get("name")
	store.mutex.Lock()
	_, found := store.counters[name]
	if found {
		store.counters[name]++
	}
	store.mutex.Unlock()
	if !found {
		http.Error(w, name+" not found", http.StatusNotFound)
		return
	}
	fmt.Fprint(w, "ok\n")
}

func main() {
	store := &counterStore{counters: map[string]int64{}}
	http.HandleFunc("/get", store.get)
	http.HandleFunc("/set", store.set)
	http.HandleFunc("/inc", store.inc)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("listening on http://%s\n", listener.Addr())
	log.Fatal(http.Serve(listener, nil))
}
