package sipua

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"
)

// warnings keeps what is logged at WARN and above.
type warnings struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (w *warnings) Write(line []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.Write(line)
}

func (w *warnings) lines() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Split(strings.TrimSpace(w.text.String()), "\n")
}

// Who runs the server reads why calls are refused, and is told once, not for each.
//
// FO-ERR-22.
func TestShunIsWarnedOf(t *testing.T) {
	for _, test := range []struct {
		reason shunned
		config Config
		taken  int // calls
	}{
		{shunCalls, Config{Limits: Limits{MaxCalls: 1}}, 1},
		{shunRate, Config{Limits: Limits{CallsPerSecond: 1}}, 1},
		{shunSource, Config{Limits: Limits{CallsPerSource: 1}}, 1},
		{shunOverloaded, Config{Overloaded: func() bool { return true }}, 0},
	} {
		t.Run(string(test.reason), func(t *testing.T) {
			log := &warnings{}
			test.config.Logger = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelWarn}))
			agent := startAgent(t, test.config, &recorder{invite: func(call *IncomingCall) { <-call.Done() }})
			p := dialPhone(t, agent, "udp")
			for i := range 4 {
				p.send(p.render(p.form("INVITE")))
				if i < test.taken {
					p.expect("SIP/2.0 100")
				} else {
					p.expect("SIP/2.0 503")
				}
			}
			eventually(t, "the warning", func() bool { return log.lines()[0] != "" })
			got := log.lines()
			if len(got) != 1 || !strings.Contains(got[0], string(test.reason)) || !strings.Contains(got[0], "method=INVITE") || !strings.Contains(got[0], "source=127.0.0.1") {
				t.Errorf("%q", got)
			}
		})
	}
}
