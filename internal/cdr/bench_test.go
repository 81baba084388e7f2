package cdr

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/parley-sip/parley/focus"
)

// BenchmarkTell is what a conference pays for a call record.
func BenchmarkTell(b *testing.B) {
	l, err := OpenLog(LogConfig{Path: filepath.Join(b.TempDir(), "cdr.jsonl")})
	if err != nil {
		b.Fatal(err)
	}
	k := New(Config{Log: l, Sync: time.Second, Queue: 1 << 30})
	r := focus.CallRecord{Conference: "desk", Direction: "inbound", Result: "refused", StartedAt: origin, EndedAt: origin}
	b.ReportAllocs()
	for b.Loop() {
		k.CallEnded(r)
	}
	b.StopTimer()
	if err := k.Close(b.Context()); err != nil {
		b.Fatal(err)
	}
}
