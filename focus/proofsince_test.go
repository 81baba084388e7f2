package focus

import (
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/siprec"
)

// Since when it is in doubt what a server was sent that turns out to be gone, by all that it has told of itself: seconds, of a dialog that began at 0 and is found
// out at 100.
//
// Shows SR-ERR-08, SR-RTP-10.
func TestLastSignOfLife(t *testing.T) {
	epoch := time.Unix(0, 0)
	at := func(s int) time.Time { return epoch.Add(time.Duration(s) * time.Second) }
	for name, c := range map[string]struct {
		happened func(p *proof)
		want     int
	}{
		"nothing":                {func(*proof) {}, 0},
		"an answer":              {func(p *proof) { p.asks(1, at(20)); p.hears(siprec.Answered{Exchange: 1, Status: 200}, at(25)) }, 20},
		"an answer of another":   {func(p *proof) { p.asks(1, at(20)); p.hears(siprec.Answered{Exchange: 1, Status: 408}, at(25)) }, 0},
		"a request of its own":   {func(p *proof) { p.hears(siprec.PeerOffer{}, at(30)) }, 30},
		"a report":               {func(p *proof) { p.signs(at(40), time.Time{}) }, 40},
		"a report of before":     {func(p *proof) { p.hears(siprec.PeerOffer{}, at(30)); p.signs(at(20), time.Time{}) }, 30},
		"OPTIONS":                {func(p *proof) { p.signs(time.Time{}, at(50)) }, 50},
		"OPTIONS beside reports": {func(p *proof) { p.signs(at(40), at(50)) }, 40},
		"reports after OPTIONS":  {func(p *proof) { p.signs(time.Time{}, at(50)); p.signs(at(40), at(60)) }, 40},
		"OPTIONS of who began anew": {func(p *proof) {
			p.signs(time.Time{}, at(50))
			p.asks(1, at(90))
			p.hears(siprec.Answered{Exchange: 1, Status: 481}, at(91))
		}, 0},
		"refused":                     {func(p *proof) { p.refused = true }, 97},
		"refused after a request":     {func(p *proof) { p.refused = true; p.asks(1, at(80)) }, 77},
		"refused after reports":       {func(p *proof) { p.signs(at(95), time.Time{}); p.refused = true }, 97},
		"refused long after reports":  {func(p *proof) { p.signs(at(40), time.Time{}); p.refused = true }, 40},
		"refused and just heard of":   {func(p *proof) { p.signs(at(99), time.Time{}); p.refused = true }, 99},
		"a request that is not heard": {func(p *proof) { p.asks(1, at(70)); p.hears(siprec.TimedOut{Exchange: 1}, at(100)) }, 0},
	} {
		p := proof{}
		p.hears(siprec.Answered{Exchange: 7, Status: 200}, epoch)
		c.happened(&p)
		if got := p.since(at(100)); !got.Equal(at(c.want)) {
			t.Errorf("%s: in doubt since %v, want %d s", name, got.Sub(epoch), c.want)
		}
	}
	if p := (proof{}); !p.since(at(100)).Equal(at(100)) {
		t.Error("what was never sent is in doubt")
	}
}

// When a sign of life is missed: not of a server that has never given any but answers, before a request is open for a while.
func TestSilenceOfAServer(t *testing.T) {
	epoch := time.Unix(0, 0)
	at := func(s int) time.Time { return epoch.Add(time.Duration(s) * time.Second) }
	begun := proof{there: epoch}
	for name, c := range map[string]struct {
		happened func(p *proof)
		want     time.Duration
	}{
		"says nothing ever":     {func(*proof) {}, 0},
		"reported":              {func(p *proof) { p.signs(at(90), time.Time{}) }, 10 * time.Second},
		"answered OPTIONS":      {func(p *proof) { p.signs(time.Time{}, at(95)) }, 5 * time.Second},
		"asked just now":        {func(p *proof) { p.asks(1, at(100)) }, 0},
		"asked":                 {func(p *proof) { p.asks(1, at(96)) }, 4 * time.Second},
		"reported and answered": {func(p *proof) { p.signs(at(90), time.Time{}); p.hears(siprec.PeerOffer{}, at(98)) }, 2 * time.Second},
	} {
		p := begun
		c.happened(&p)
		if got := p.silence(at(100)); got != c.want {
			t.Errorf("%s: silent for %v, want %v", name, got, c.want)
		}
	}
}

// More is kept of what a silent server is sent, within the bound of all streams, and the room is given back when it has been heard in time for a minute.
func TestRoomForWhatIsInDoubt(t *testing.T) {
	f, now := &Focus{}, time.Unix(1000, 0)
	c := newCapture(nil, 5*time.Second, codecs.PCMU)
	if c.fit(f, time.Minute, now) {
		t.Error("there is room for what has not begun")
	}
	c.begin(now)
	usual := c.extent.usual
	frames := func(octets int) int { return octets / (heldHeader + 160) }
	for _, step := range []struct {
		after, silence, kept time.Duration
	}{
		{0, time.Second, 0},
		{time.Second, 2 * time.Second, 0},
		{time.Second, 7 * time.Second, 10 * time.Second},
		{time.Second, 11 * time.Second, keptInDoubt},
		{time.Second, 40 * time.Second, keptInDoubt},
		{time.Second, 0, keptInDoubt},
		{58 * time.Second, time.Second, keptInDoubt},
		{2 * time.Second, time.Second, 0},
	} {
		now = now.Add(step.after)
		c.fit(f, step.silence, now)
		if got := c.extent.now; step.kept == 0 && got != usual || frames(got) < int(step.kept/codecs.FrameDuration) || f.inDoubt.Load() != int64(got-usual) {
			t.Errorf("after %v there is room for %d frames (%d octets, counted %d)", step.silence, frames(got), got, f.inDoubt.Load())
		}
		if g := c.grown.Swap(nil); g != nil {
			if c.kept.resize(g.octets); len(c.kept.octets) != c.extent.now {
				t.Errorf("it has %d octets, not %d", len(c.kept.octets), c.extent.now)
			}
		}
	}
	f.inDoubt.Store(maxInDoubt - 1)
	if c.fit(f, time.Minute, now) || f.inDoubt.Load() != maxInDoubt-1 || c.extent.now != usual {
		t.Error("more is kept than all streams may")
	}
}
