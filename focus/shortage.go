package focus

import (
	"errors"
	"log/slog"
	"sync"
	"time"
)

// shortageEvery is how often a shortage is warned of while it lasts.
const shortageEvery = 10 * time.Second

// shortage warns that calls are refused for what the server lacks: ports, or room within its limits. Such refusals come in hundreds.
type shortage struct {
	mu     sync.Mutex
	next   time.Time
	unsaid int
}

// due counts a refusal, and gives how many there were since the last warning when another one is due, or else 0.
func (s *shortage) due(now time.Time) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unsaid++
	if now.Before(s.next) {
		return 0
	}
	n := s.unsaid
	s.unsaid, s.next = 0, now.Add(shortageEvery)
	return n
}

// logRefusal says why a call is refused: as information where it is the caller's doing, as a warning where it is ours.
func (f *Focus) logRefusal(callID string, err error) {
	f.log.Info("call refused", slog.String("call_id", callID), slog.Any("error", err))
	if status(err)/100 != 5 || errors.Is(err, ErrShutdown) {
		return
	}
	if n := f.shortage.due(time.Now()); n > 0 {
		f.log.Warn("calls are refused because this server cannot take them", slog.Int("calls", n), slog.Any("error", err))
	}
}
