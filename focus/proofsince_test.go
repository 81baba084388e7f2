package focus

import (
	"testing"
	"testing/synctest"
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
		"a report":               {func(p *proof) { p.signs(at(40), answers{}) }, 40},
		"a report of before":     {func(p *proof) { p.hears(siprec.PeerOffer{}, at(30)); p.signs(at(20), answers{}) }, 30},
		"OPTIONS":                {func(p *proof) { p.signs(time.Time{}, answers{answered: at(50)}) }, 50},
		"OPTIONS beside reports": {func(p *proof) { p.signs(at(40), answers{answered: at(50)}) }, 40},
		"reports after OPTIONS": {func(p *proof) {
			p.signs(time.Time{}, answers{answered: at(50)})
			p.signs(at(40), answers{answered: at(60)})
		}, 40},
		"OPTIONS of who began anew": {func(p *proof) {
			p.signs(time.Time{}, answers{answered: at(50)})
			p.asks(1, at(90))
			p.hears(siprec.Answered{Exchange: 1, Status: 481}, at(91))
		}, 0},
		"refused":                     {func(p *proof) { p.refused = true }, 97},
		"refused after a request":     {func(p *proof) { p.refused = true; p.asks(1, at(80)) }, 77},
		"refused after reports":       {func(p *proof) { p.signs(at(95), answers{}); p.refused = true }, 97},
		"refused long after reports":  {func(p *proof) { p.signs(at(40), answers{}); p.refused = true }, 40},
		"refused and just heard of":   {func(p *proof) { p.signs(at(99), answers{}); p.refused = true }, 99},
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

// When a sign of life is missed: not of a server that has never given any but answers, before a request or OPTIONS is open for a while, however long ago
// it was asked last.
func TestSilenceOfAServer(t *testing.T) {
	epoch := time.Unix(0, 0)
	at := func(s int) time.Time { return epoch.Add(time.Duration(s) * time.Second) }
	begun := proof{there: epoch}
	for name, c := range map[string]struct {
		happened func(p *proof)
		want     time.Duration
	}{
		"says nothing ever":      {func(*proof) {}, 0},
		"reported":               {func(p *proof) { p.signs(at(90), answers{}) }, 10 * time.Second},
		"answered OPTIONS":       {func(p *proof) { p.signs(time.Time{}, answers{answered: at(60)}) }, 0},
		"just asked by OPTIONS":  {func(p *proof) { p.signs(time.Time{}, answers{at(60), at(100)}) }, 0},
		"asked by OPTIONS":       {func(p *proof) { p.signs(time.Time{}, answers{at(60), at(93)}) }, 7 * time.Second},
		"never answered OPTIONS": {func(p *proof) { p.signs(time.Time{}, answers{missed: at(93)}) }, 0},
		"missed before it began": {func(p *proof) { p.hears(siprec.PeerOffer{}, at(95)); p.signs(time.Time{}, answers{at(60), at(93)}) }, 0},
		"asked just now":         {func(p *proof) { p.asks(1, at(100)) }, 0},
		"asked":                  {func(p *proof) { p.asks(1, at(96)) }, 4 * time.Second},
		"asked in both ways":     {func(p *proof) { p.signs(time.Time{}, answers{at(60), at(93)}); p.asks(1, at(96)) }, 7 * time.Second},
		"reported and asked":     {func(p *proof) { p.signs(at(90), answers{missed: at(80)}); p.asks(1, at(80)) }, 10 * time.Second},
		"reported and answered":  {func(p *proof) { p.signs(at(90), answers{}); p.hears(siprec.PeerOffer{}, at(98)) }, 2 * time.Second},
	} {
		p := begun
		c.happened(&p)
		if got := p.silence(at(100)); got != c.want {
			t.Errorf("%s: silent for %v, want %v", name, got, c.want)
		}
	}
}

// More is kept of what a silent server is sent before anything of that gives way, within the bound of all streams; the room is given back when it has been heard in
// time for a minute. One that is heard as often as is usual costs nothing.
func TestRoomForWhatIsInDoubt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, c := &Focus{}, newCapture(openSession(t), 5*time.Second, codecs.PCMU)
		if c.fit(f, time.Minute, time.Now()) {
			t.Error("there is room for what has not begun")
		}
		c.release(codecs.PCMU)
		usual := c.extent.usual
		look := func(silent time.Duration) {
			t.Helper()
			speak(c, int(watchInterval/codecs.FrameDuration))
			now := time.Now()
			c.mark(now)
			c.fit(f, silent, now)
			speak(c, 1)
			if len(c.kept.octets) != c.extent.now || f.inDoubt.Load() != int64(c.extent.now-usual) {
				t.Fatalf("after %v it has %d octets, not %d; counted are %d", silent, len(c.kept.octets), c.extent.now, f.inDoubt.Load())
			}
		}
		const reports = 5500 * time.Millisecond
		for silent := time.Duration(0); silent < time.Minute; silent += watchInterval {
			if look(silent % reports); c.extent.now != usual {
				t.Fatalf("%v after a report there is room for %d octets", silent%reports, c.extent.now)
			}
		}
		begun := time.Now()
		for time.Since(begun) < 31*time.Second {
			look(time.Since(begun))
			if head, first := c.kept.head.Load(), c.marks.before(c.clock(begun)).next; head > first {
				t.Fatalf("after %v %d octets have given way", time.Since(begun), head-first)
			}
			if all := c.extent.now == backlogSize(keptInDoubt, 160); all != (time.Since(begun) > alarming+watchInterval) {
				t.Fatalf("after %v there is room for %d octets", time.Since(begun), c.extent.now)
			}
		}
		for heard := time.Now(); time.Since(heard) < calm+2*watchInterval; {
			if look(watchInterval); time.Since(heard) < calm-2*watchInterval && c.extent.now == usual {
				t.Fatal("it is given back after", time.Since(heard))
			}
		}
		if c.extent.now != usual {
			t.Error("it is not given back")
		}
		f.inDoubt.Store(maxInDoubt - 1)
		if c.fit(f, time.Minute, time.Now()) || f.inDoubt.Load() != maxInDoubt-1 || c.extent.now != usual {
			t.Error("more is kept than all streams may")
		}
	})
}

// A server that has taken too long for a change is spared if it has shown since then that it records, once until it has answered to something. That a request was
// taken back is no answer: the BYE after it tells nothing.
//
// Shows SR-ERR-09.
func TestSparedServer(t *testing.T) {
	epoch := time.Unix(0, 0)
	at := func(s int) time.Time { return epoch.Add(time.Duration(s) * time.Second) }
	for name, c := range map[string]struct {
		happened func(p *proof)
		want     bool
	}{
		"shows nothing":           {func(*proof) {}, false},
		"reported before":         {func(p *proof) { p.signs(at(60), answers{}) }, false},
		"reported":                {func(p *proof) { p.signs(at(95), answers{}) }, true},
		"reports no more":         {func(p *proof) { p.signs(at(75), answers{}) }, false},
		"answers OPTIONS":         {func(p *proof) { p.signs(time.Time{}, answers{answered: at(95)}) }, true},
		"OPTIONS, but no reports": {func(p *proof) { p.signs(at(60), answers{}); p.signs(at(60), answers{answered: at(95)}) }, false},
		"reported before another": {func(p *proof) { p.signs(at(85), answers{}); p.asks(2, at(90)) }, false},
		"once more":               {func(p *proof) { p.signs(at(95), answers{}); p.spare(at(96)) }, false},
		"once more, answered": {func(p *proof) {
			p.signs(at(95), answers{})
			p.spare(at(96))
			p.asks(2, at(97))
			p.hears(siprec.Answered{Exchange: 2, Status: 200}, at(97))
			p.asks(3, at(98))
			p.signs(at(99), answers{})
		}, true},
	} {
		p := proof{}
		p.hears(siprec.Answered{Exchange: 7, Status: 200}, epoch)
		p.asks(1, at(68))
		c.happened(&p)
		if got := p.spare(at(100)); got != c.want {
			t.Errorf("%s: spared: %t", name, got)
		}
		if p.exchange == 1 {
			if p.hears(takenBack{siprec.TimedOut{Exchange: 1}}.tryAgain(), at(100)); !p.silent || !p.there.Equal(epoch) {
				t.Errorf("%s: what was taken back is an answer", name)
			}
		}
	}
}
