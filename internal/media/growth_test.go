package media

import (
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
)

// The jitter buffer has room for what a good network brings, and grows up to its full size when a burst comes: nothing of it is lost.
func TestStoreGrows(t *testing.T) {
	b := &jitterBuffer{maxDelay: testMax}
	b.store.make(chunksOf(testMax))
	b.reset(8000)
	if n := len(b.store.link); n != firstChunks || len(b.store.slots) != firstSlots {
		t.Fatalf("%d chunks to begin with", n)
	}
	burst := b.store.most
	for i := range burst {
		payload := loud()
		payload[0] = byte(i)
		b.push(arrivedPacket{seq: uint16(i), timestamp: uint32(160 * i), units: 160, payload: payload}, time.Millisecond)
	}
	if b.dropped != 0 || b.store.left != 0 || len(b.store.link) != b.store.most || len(b.store.slots) != storeSlots {
		t.Fatalf("%d of %d dropped, %d of %d chunks free", b.dropped, burst, b.store.left, len(b.store.link))
	}
	for i := range burst {
		p := b.store.at(b.highest - int64(burst-1-i))
		if p == nil || b.store.payload(p)[0] != byte(i) {
			t.Fatalf("packet %d is not what came", i)
		}
	}
	b.dropAll()
	if b.store.left != b.store.most {
		t.Errorf("%d of %d chunks free", b.store.left, b.store.most)
	}
}

// Packets longer than most far ends send are played from the first on, and the room for them is made when it is needed.
func TestLongPacketsArePlayed(t *testing.T) {
	for _, ms := range []int{40, 60, 100, 200} {
		l := newListener(t, 0, testMax, codecs.PCMU)
		units, ptime := ms*8, time.Duration(ms)*time.Millisecond
		payload := make([]byte, units)
		for i := range payload {
			payload[i] = loud()[i%160]
		}
		for i := range 20 {
			now := time.Duration(i*ms) * time.Millisecond
			l.push(flight{arrivedPacket{seq: uint16(i), timestamp: uint32(units * i), units: units, payload: payload}, now})
			for at := now; at < now+ptime; at += tick {
				l.tick(at + time.Millisecond)
			}
		}
		if l.made != 0 || len(l.player.pcm) > longestPlayerRoom(codecs.PCMU) {
			t.Errorf("%d ms: made up %d, room %d", ms, l.made, len(l.player.pcm))
		}
	}
}
