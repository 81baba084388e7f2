package webhook

import (
	"context"
	"net/http"
	"testing"
)

// BenchmarkPublish is what a conference pays for an event when the receiver takes nothing and the queue is full.
func BenchmarkPublish(b *testing.B) {
	r := &receiver{answer: func(ctx context.Context, _ string) (int, http.Header, error) {
		<-ctx.Done()
		return 0, nil, ctx.Err()
	}}
	s, err := New(Config{Hooks: []Hook{{Name: "h", URL: "http://127.0.0.1/", Secret: "s", Transport: r, Events: []string{"participant.*", "cdr.*"}}}})
	if err != nil {
		b.Fatal(err)
	}
	m := event("a", "a")
	b.ReportAllocs()
	for b.Loop() {
		s.Publish(m)
	}
	b.StopTimer()
	(*s.hooks.Load())[0].end()
}
