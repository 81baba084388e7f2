package sipua

import (
	"strconv"
	"strings"
	"time"
)

const (
	optionTimer = "timer"
	// leastSession is the smallest interval that anybody may ask for (RFC 4028, section 5).
	leastSession = 90 * time.Second
	// farewellGuard is how long before the end of a session its BYE is sent, at most (RFC 4028, section 10).
	farewellGuard = 32 * time.Second
)

// SessionTimer says how sessions are kept alive (RFC 4028).
type SessionTimer struct {
	// Interval is what we propose; 0: we propose and support none. Otherwise at least 90 s.
	Interval time.Duration
	// Min is the smallest interval that we agree to. Default: 90 s, the least there may be.
	Min time.Duration
}

// on reports whether session timers are supported.
func (s SessionTimer) on() bool { return s.Interval > 0 }

// lease is what two parties have agreed about the life of their session.
type lease struct {
	interval time.Duration // 0: it lives until somebody ends it
	ours     bool          // we refresh it
}

// sessionExpires reads Session-Expires (RFC 4028, section 4).
func sessionExpires(headers Headers) (interval time.Duration, refresher string, ok bool) {
	value := headers.Get("Session-Expires")
	number, params, _ := strings.Cut(value, ";")
	interval, ok = deltaSeconds(number)
	for param := range strings.SplitSeq(params, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(param), "=")
		if strings.EqualFold(strings.TrimSpace(name), "refresher") {
			refresher = strings.ToLower(strings.TrimSpace(value))
		}
	}
	return interval, refresher, ok
}

// minSE reads Min-SE; what is missing or too small counts as 90 s (RFC 4028, section 5).
func minSE(headers Headers) time.Duration {
	number, _, _ := strings.Cut(headers.Get("Min-SE"), ";")
	least, _ := deltaSeconds(number)
	return max(least, leastSession)
}

// deltaSeconds reads a number of seconds (RFC 3261, section 25.1).
func deltaSeconds(text string) (time.Duration, bool) {
	text = strings.TrimSpace(text)
	if !isNumber(text) {
		return 0, false
	}
	n, err := strconv.ParseUint(text, 10, 32)
	return time.Duration(n) * time.Second, err == nil
}

// knowsTimer reports whether the sender of a request supports session timers.
func knowsTimer(headers Headers) bool {
	return headers.Contains("Supported", optionTimer) || headers.Contains("Require", optionTimer)
}

// refuse returns the 422 to a session that is too short for us; nil when it is not, or when the sender would not understand
// (RFC 4028, section 9).
func (s SessionTimer) refuse(request *Request) *Response {
	interval, _, ok := sessionExpires(request.Headers)
	least := max(s.Min, leastSession)
	if !s.on() || !ok || interval >= least || !knowsTimer(request.Headers) {
		return nil
	}
	return NewResponse(422, Header{Name: "Min-SE", Value: seconds(least)})
}

// serve decides as UAS about the session that a request begins or refreshes, and returns what the 2xx says of it (RFC 4028, section
// 9 and table 2): the interval is never raised above what was asked for, the choice of the peer is kept, and where we are free we refresh.
func (s SessionTimer) serve(request *Request) (lease, Headers) {
	if !s.on() {
		return lease{}, nil
	}
	least := minSE(request.Headers)
	agreed := lease{interval: max(s.Interval, least), ours: true}
	interval, refresher, ok := sessionExpires(request.Headers)
	if ok {
		agreed.interval = min(interval, agreed.interval)
	}
	knows := knowsTimer(request.Headers)
	if knows && refresher == "uac" {
		agreed.ours = false
	}
	headers := Headers{{Name: "Session-Expires", Value: agreed.render("uas", "uac")}}
	if knows {
		headers = append(headers, Header{Name: "Require", Value: optionTimer})
	}
	return agreed, headers
}

// render writes Session-Expires with the name that we have in this transaction, or the peer.
func (l lease) render(we, peer string) string {
	if l.ours {
		peer = we
	}
	return seconds(l.interval) + ";refresher=" + peer
}

// propose returns what a request of ours asks for. In a session that has one already the roles stay (RFC 4028, section 7.4).
func (s SessionTimer) propose(have lease, least time.Duration) Headers {
	if !s.on() {
		return nil
	}
	headers := Headers{}
	if least > leastSession {
		headers = append(headers, Header{Name: "Min-SE", Value: seconds(least)})
	}
	if have.interval > 0 {
		have.interval = max(have.interval, least)
		return append(headers, Header{Name: "Session-Expires", Value: have.render("uac", "uas")})
	}
	return append(headers, Header{Name: "Session-Expires", Value: seconds(max(s.Interval, least))})
}

// conclude reads what a 2xx to a request of ours says. A peer that knows no timers leaves it to us to see that it is still there (RFC
// 4028, section 7.2).
func (s SessionTimer) conclude(response *Response, proposed time.Duration) lease {
	if !s.on() {
		return lease{}
	}
	interval, refresher, ok := sessionExpires(response.Headers)
	if !ok || interval < leastSession {
		return lease{interval: max(proposed, leastSession), ours: true}
	}
	return lease{interval: interval, ours: refresher != "uas"}
}
