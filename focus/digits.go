package focus

import (
	"mime"
	"strconv"
	"strings"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/media"
	"github.com/parley-sip/parley/internal/sipua"
)

// The types of INFO bodies with key presses. No document of the IETF has them, many user agents do; they are sent without
// Info-Package, as INFO was used before RFC 6086.
const (
	dtmfRelayType = "application/dtmf-relay"
	dtmfType      = "application/dtmf"
)

const (
	infoDuration    = 250 * time.Millisecond // of a key that does not say
	maxInfoDuration = 10 * time.Second
)

// keysWaiting is how many key presses may wait for a conference: more is a flood, which must hold up nobody else's.
const keysWaiting = 64

// pressed takes a key press, however it came. It may be called from any goroutine, and does not block.
func (c *controller) pressed(l leg, d media.Digit) { c.keep(keyed{leg: l, digit: d}) }

// keep puts a key press where the conference finds it in which the participant is.
func (c *controller) keep(m message) {
	if to, same := c.forwarded(m); to != nil {
		c, m = to, same
	}
	select {
	case c.keys <- m:
	default:
		c.log.Warn("a key press is dropped: there are too many")
	}
}

// keyed is a key press.
type keyed struct {
	leg   leg
	digit media.Digit
	info  bool // by INFO: he may be speaking at the same time
}

func (m keyed) handle(c *controller) {
	p, ok := c.machine.State().Participant(m.leg.id)
	if !ok {
		return
	}
	if p.Awaits == conference.AwaitsNothing { // else it may be of a PIN
		c.focus.events.add(c.id, time.Now(), DigitReceived, DigitInfo{
			Participant: m.leg.id, Digit: string(rune(m.digit.Key)), DurationMS: m.digit.Duration.Milliseconds(),
		}, false)
		c.passKey(&p, m.digit)
		c.recordKey(&p, m)
	}
	c.hush(m.leg.id)
	_ = c.step(conference.Key{ID: m.leg.id, Key: m.digit.Key})
}

// info takes key presses in INFO requests. An Info-Package was never agreed (RFC 6086, section 4.2.2).
func (h *dialogHandler) info(request *sipua.Request) *sipua.Response {
	if request.Headers.Has("Info-Package") {
		return sipua.NewResponse(469).WithHeader("Recv-Info", "")
	}
	kind, _, err := mime.ParseMediaType(request.Headers.Get("Content-Type"))
	if len(request.Body) == 0 {
		return sipua.NewResponse(200) // some use it to see whether we are there (RFC 2976, section 2.2)
	}
	if err != nil || kind != dtmfRelayType && kind != dtmfType {
		return sipua.NewResponse(415).WithHeader("Accept", dtmfRelayType+", "+dtmfType)
	}
	digit, ok := parseInfo(kind, string(request.Body))
	if !ok {
		return sipua.NewResponse(400)
	}
	h.controller.keep(keyed{leg: h.leg, digit: digit, info: true})
	return sipua.NewResponse(200)
}

// parseInfo reads a body: the key alone, or lines of which "Signal=5" and "Duration=160", in milliseconds, count.
func parseInfo(kind, body string) (media.Digit, bool) {
	signal := body
	d := media.Digit{Duration: infoDuration}
	if kind == dtmfRelayType {
		signal = ""
		for line := range strings.Lines(body) {
			name, value, _ := strings.Cut(line, "=")
			value = strings.TrimSpace(value)
			switch strings.ToLower(strings.TrimSpace(name)) {
			case "signal":
				signal = value
			case "duration":
				if ms, err := strconv.ParseUint(value, 10, 16); err == nil && ms > 0 {
					d.Duration = min(time.Duration(ms)*time.Millisecond, maxInfoDuration)
				}
			}
		}
	}
	key, ok := infoKey(strings.TrimSpace(signal))
	d.Key = key
	return d, ok
}

// infoKey reads a key by its character or by its code of RFC 4733, which some send: 10 for *, 11 for #, up to 15 for D.
func infoKey(signal string) (byte, bool) {
	switch len(signal) {
	case 1:
		code, ok := codecs.EventCode(signal[0])
		if !ok {
			return 0, false
		}
		return codecs.EventDigit(code)
	case 2:
		code, err := strconv.ParseUint(signal, 10, 8)
		if err != nil || code < 10 {
			return 0, false
		}
		return codecs.EventDigit(uint8(code))
	default:
		return 0, false
	}
}
