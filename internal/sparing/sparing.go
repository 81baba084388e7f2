package sparing

import (
	"sync"
	"time"
)

// Every is the pause between two lines of the same while it goes on.
const Every = 10 * time.Second

// Log counts what is not logged. The zero value is ready for use, by several goroutines.
type Log struct {
	mu     sync.Mutex
	next   time.Time
	unsaid int
}

// Due counts one more, and gives how many there were since the last line when another line is due, or else 0.
func (l *Log) Due(now time.Time) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.unsaid++
	if now.Before(l.next) {
		return 0
	}
	n := l.unsaid
	l.unsaid, l.next = 0, now.Add(Every)
	return n
}
