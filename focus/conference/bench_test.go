package conference

import (
	"fmt"
	"strconv"
	"testing"
)

// BenchmarkStep is a change of who speaks in a large conference: the most frequent event there is.
func BenchmarkStep(b *testing.B) {
	for _, n := range []int{10, 100, 1000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			m := NewMachine(Config{ID: "1000"})
			for i := range n {
				id := ParticipantID(fmt.Sprint("p", i))
				m.Step(Join{ID: id}, epoch)
				m.Step(Bridged{ID: id, Session: Session{Sends: true, Receives: true}}, epoch)
			}
			active := [][]ParticipantID{{"p0"}, {"p1"}}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				m.Step(Speaking{Active: active[i%2]}, epoch)
			}
		})
	}
}

// BenchmarkLeave is one of many who leaves, and comes again.
func BenchmarkLeave(b *testing.B) {
	for _, n := range []int{10, 100, 1000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			m := NewMachine(Config{ID: "1000"})
			come := func(id ParticipantID) {
				m.Step(Join{ID: id}, epoch)
				m.Step(Bridged{ID: id, Session: Session{Sends: true, Receives: true}}, epoch)
			}
			for i := range n {
				come(ParticipantID(fmt.Sprint("p", i)))
			}
			b.ReportAllocs()
			for b.Loop() {
				m.Step(Left{ID: "p0"}, epoch)
				come("p0")
			}
		})
	}
}
