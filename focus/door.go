package focus

import (
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/sipua"
)

// door is what lets callers into a conference.
func (f *Focus) door(e *entry) conference.DoorConfig {
	d := f.live().Door
	d.PIN, d.ModeratorPIN, d.Access = string(e.cfg.PIN), string(e.cfg.ModeratorPIN), e.access != nil
	return d
}

// doorGuard remembers over all conferences who enters wrong PINs: a dynamic one forgets him with its end.
type doorGuard struct {
	mu    *sync.Mutex
	guard *conference.Guard
}

func newDoorGuard(limits conference.DoorConfig) doorGuard {
	limits.Total = noTotal
	return doorGuard{mu: &sync.Mutex{}, guard: conference.NewGuard(limits)}
}

// noTotal is because one conference under attack is not to close the others.
const noTotal = -1

func (g doorGuard) limit(limits conference.DoorConfig) {
	g.mu.Lock()
	defer g.mu.Unlock()
	limits.Total = noTotal
	g.guard.SetLimits(limits)
}

func (g doorGuard) keptOut(source string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return source != "" && g.guard.KeptOut(source, time.Now())
}

func (g doorGuard) failed(source string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if source != "" {
		g.guard.Failed(source, time.Now())
	}
}

// guessSource is whose wrong entries are counted together: the caller's, where a trunk says who that is, else those of his network.
func guessSource(request *sipua.Request) string {
	if request.Caller != nil && request.Caller.Trunk != "" {
		return request.Caller.Trunk + " " + request.Caller.Identity.URI.Bare().String()
	}
	address, bits := request.Source.Addr().Unmap().WithZone(""), 32
	if address.Is6() {
		bits = 64 // of one customer
	}
	prefix, err := address.Prefix(bits)
	if err != nil {
		return ""
	}
	return prefix.String()
}

// guessed makes a wrong entry known to those who keep out who guesses.
func (c *controller) guessed(id conference.ParticipantID) {
	p := c.participants[id]
	if p == nil {
		return
	}
	c.log.Info("wrong entry at the door", slog.String("participant", string(id)), slog.String("source", p.peerAddress.String()))
	c.focus.guard.failed(p.guesses)
	report := c.focus.cfg.Guessed
	if report == nil || p.peerAddress == (netip.Addr{}) {
		return
	}
	if report(p.peerAddress) {
		c.log.Warn("source ignored for a while: it guesses PINs", slog.String("source", p.peerAddress.String()))
	}
}

// sayPrompts says what the machine wants said, instead of what is being said.
func (c *controller) sayPrompts(a conference.Say) {
	names := make([]string, 0, len(a.Prompts))
	for _, p := range a.Prompts {
		names = append(names, string(p))
	}
	c.hush(a.ID)
	c.say(a.ID, phrase{prompts: names, then: func(bool) { _ = c.step(conference.Said{ID: a.ID, Turn: a.Turn}) }})
}
