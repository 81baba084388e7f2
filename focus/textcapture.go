package focus

import (
	"sync"
	"time"
	"unicode/utf8"

	"github.com/parley-sip/parley/internal/media"
	"github.com/parley-sip/parley/internal/rtt"
)

// maxHeldText is how many characters of a stream wait for a recorder: hours of writing.
const maxHeldText = 1 << 16

// textCapture stands between the room and the session of a recorded stream of text, as capture does for audio: what is written while no
// recorder takes the stream waits for one. It is safe for concurrent use.
type textCapture struct {
	session *media.TextSession
	single  bool // of one participant: who does not know several sources gets no labels

	mu      sync.Mutex
	aware   bool // the recorder knows several sources
	holding bool
	waiting []heldText
	recent  []heldText // sent since the recorder was there for sure, the last of it
	doubts  int        // characters of recent
	gone    int        // characters that were sent before that, and since the recorder was there for sure
	goneAt  time.Time  // when the last of those was sent
	count   int        // characters of waiting
	lost    int        // characters
	told    int        // the controller's: lost ones that have been counted
}

// heldText is what somebody has written.
type heldText struct {
	source rtt.Source
	cname  string
	text   string
	at     time.Time
	sent   time.Time // to a recorder; zero: it was not
}

// take gets what somebody has written.
func (c *textCapture) take(source rtt.Source, cname, text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	h := heldText{source: source, cname: cname, text: text, at: now}
	if c.holding {
		c.keep(h)
		return
	}
	c.send(h, now)
}

// send says something, and remembers it for as long as it is not known that somebody has heard it; mu is held.
func (c *textCapture) send(h heldText, now time.Time) {
	h.sent = now
	c.recent, c.doubts = append(c.recent, h), c.doubts+utf8.RuneCountInString(h.text)
	for c.doubts > maxHeldText {
		c.goneAt = c.recent[0].sent
		c.gone += c.forget()
	}
	c.say(h)
}

// forget takes the first of what is remembered, and gives its characters; mu is held.
func (c *textCapture) forget() (characters int) {
	characters = utf8.RuneCountInString(c.recent[0].text)
	c.recent, c.doubts = c.recent[1:], c.doubts-characters
	return characters
}

// prove notes that the recorder was there at a time.
func (c *textCapture) prove(there time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.recent) > 0 && !c.recent[0].sent.Add(markSlack).After(there) {
		c.forget()
	}
	if !c.goneAt.Add(markSlack).After(there) {
		c.gone = 0
	}
}

// keep adds to what waits; mu is held.
func (c *textCapture) keep(h heldText) {
	n := utf8.RuneCountInString(h.text)
	if c.count+n > maxHeldText {
		c.lost += n
		return
	}
	c.waiting, c.count = append(c.waiting, h), c.count+n
}

func (c *textCapture) say(h heldText) {
	if c.single && !c.aware {
		h.source = rtt.Source{}
	}
	c.lost += c.session.Say(h.source, h.cname, h.text)
}

// hold keeps what comes from now on.
func (c *textCapture) hold() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.holding = true
}

// doubt keeps what comes from now on, and has sent again what was sent since a time: whom it was sent to may not have been there any more.
func (c *textCapture) doubt(since time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.holding = true
	waiting := c.waiting
	c.waiting, c.count = nil, 0
	for _, h := range c.recent {
		if h.sent.After(since) {
			c.keep(h)
		}
	}
	if c.goneAt.After(since) {
		c.lost += c.gone
	}
	c.recent, c.doubts, c.gone = nil, 0, 0
	for _, h := range waiting {
		c.keep(h)
	}
}

// release lets the stream flow, what has waited first.
func (c *textCapture) release(aware bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.aware, c.holding = aware, false
	now := time.Now()
	for _, h := range c.waiting {
		c.send(h, now)
	}
	c.waiting, c.count = nil, 0
}

// pause sends what the recorder has not got yet, and then nothing until release.
func (c *textCapture) pause() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.holding {
		c.lost += c.session.Finish()
	}
	c.holding = true
}

// oldest is when the first was written of what waits for a recorder; zero: nothing does.
func (c *textCapture) oldest() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.waiting) == 0 {
		return time.Time{}
	}
	return c.waiting[0].at
}

// rest takes what no recorder has taken.
func (c *textCapture) rest() []heldText {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := c.waiting
	c.waiting, c.count = nil, 0
	return list
}

// unsent takes what has waited for a recorder for longer than an age.
func (c *textCapture) unsent(age time.Duration) []heldText {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.holding {
		return nil
	}
	n, until := 0, time.Now().Add(-age)
	for n < len(c.waiting) && c.waiting[n].at.Before(until) {
		c.count -= utf8.RuneCountInString(c.waiting[n].text)
		n++
	}
	list := c.waiting[:n:n]
	c.waiting = c.waiting[n:]
	return list
}

// drop counts text that is lost for good, and gives how much was lost since it was asked last.
func (c *textCapture) drop(list []heldText) (news int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, h := range list {
		c.lost += utf8.RuneCountInString(h.text)
	}
	news = c.lost - c.told
	c.told = c.lost
	return news
}
