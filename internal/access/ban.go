package access

import (
	"net/netip"
	"slices"
	"sync"
	"time"
)

// maxSources bounds the sources that are watched.
const maxSources = 1 << 15

// bans counts what sources do wrong. It is safe for concurrent use.
type bans struct {
	mu      sync.Mutex
	sources map[netip.Prefix]*offender
	total   uint64
}

type offender struct {
	failures int
	since    time.Time // of the first failure in the window
	until    time.Time // banned
	times    int       // banned so far
}

// sourceOf is what is banned: an address, or the network of an IPv6 customer.
func sourceOf(address netip.Addr) netip.Prefix {
	bits := 32
	if address.Is6() {
		bits = 64
	}
	prefix, _ := address.WithZone("").Prefix(bits)
	return prefix
}

// banned tells whether a source is ignored.
func (b *bans) banned(address netip.Addr) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	o := b.sources[sourceOf(address)]
	return o != nil && time.Now().Before(o.until)
}

// failed counts a wrong answer. True: the source is banned from now on.
func (b *bans) failed(address netip.Addr, r *rules) bool {
	now := time.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	key := sourceOf(address)
	o := b.sources[key]
	if o == nil {
		b.sweep(now, r)
		o = &offender{since: now}
		b.sources[key] = o
	}
	if now.Sub(o.since) > r.Window {
		o.failures, o.since = 0, now
	}
	if o.failures++; o.failures < r.Failures {
		return false
	}
	length := r.Ban
	for range o.times {
		if length *= 2; length >= r.MaxBan {
			length = r.MaxBan
			break
		}
	}
	o.failures, o.since, o.until = 0, now, now.Add(length)
	o.times++
	b.total++
	return true
}

// good forgives what a source did wrong before, and tells whether it was banned.
func (b *bans) good(address netip.Addr) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	o := b.sources[sourceOf(address)]
	delete(b.sources, sourceOf(address))
	return o != nil && time.Now().Before(o.until)
}

// sweep makes room. Called with the lock held.
func (b *bans) sweep(now time.Time, r *rules) {
	if len(b.sources) < maxSources {
		return
	}
	for key, o := range b.sources {
		if now.After(o.until.Add(r.MaxBan)) && now.Sub(o.since) > r.Window {
			delete(b.sources, key)
		}
	}
	for key := range b.sources { // any, if they are all fresh
		if len(b.sources) < maxSources {
			return
		}
		delete(b.sources, key)
	}
}

// Banned is a source that is ignored.
type Banned struct {
	Source netip.Prefix
	Until  time.Time
	Times  int
}

func (b *bans) list() []Banned {
	now := time.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	var list []Banned
	for key, o := range b.sources {
		if now.Before(o.until) {
			list = append(list, Banned{Source: key, Until: o.until, Times: o.times})
		}
	}
	slices.SortFunc(list, func(x, y Banned) int { return x.Until.Compare(y.Until) })
	return list
}
