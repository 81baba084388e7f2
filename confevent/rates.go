package confevent

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
)

// Rates are the limits that a subscriber asks for, in notifications per second; 0
// means none (RFC 6446, sections 5 and 6).
type Rates struct {
	Max float64
	Min float64
}

// An Event is the value of an Event header (RFC 6665, section 8.2.1).
type Event struct {
	// Package is the name of the event package, in lower case as it has to be.
	Package string
	// ID is the id parameter, to be echoed in each NOTIFY.
	ID string
	// Rates are max-rate and min-rate; values that the grammar does not have are left out.
	Rates Rates
}

// ErrNoEvent says that an Event header has no package.
var ErrNoEvent = errors.New("confevent: no event package")

// ParseEvent reads the value of an Event header. Unknown parameters are ignored,
// adaptive-min-rate among them (RFC 6446, section 7). The error is ErrNoEvent.
func ParseEvent(header string) (Event, error) {
	pkg, params, _ := strings.Cut(header, ";")
	e := Event{Package: strings.TrimSpace(pkg)}
	if e.Package == "" {
		return Event{}, ErrNoEvent
	}
	for p := range strings.SplitSeq(params, ";") {
		key, val, _ := strings.Cut(p, "=")
		val = strings.TrimSpace(val)
		switch strings.ToLower(strings.TrimSpace(key)) {
		case "id":
			e.ID = val
		case "max-rate":
			e.Rates.Max = parseRate(val)
		case "min-rate":
			e.Rates.Min = parseRate(val)
		}
	}

	return e, nil
}

// parseRate reads 1*2DIGIT [ "." 1*10DIGIT ] (RFC 6446, section 10.2).
func parseRate(s string) float64 {
	whole, part, dot := strings.Cut(s, ".")
	if !digits(whole, 2) || dot && !digits(part, 10) {
		return 0
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return 0
	}

	return v
}

func digits(s string, most int) bool {
	for i := range len(s) {
		if !isDigit(s[i]) {
			return false
		}
	}

	return s != "" && len(s) <= most
}

// granted adjusts what was asked to what will be done: never faster than our own
// interval, never so slow that nothing comes before the end (RFC 6446, section
// 5.3), and a minimum not above the maximum (RFC 6446, section 8).
func (r Rates) granted(interval, left time.Duration) Rates {
	most := math.Inf(1)
	if interval > 0 {
		most = 1 / interval.Seconds()
	}
	if r.Max > 0 {
		if left > 0 {
			r.Max = max(r.Max, 1/left.Seconds())
		}
		most = min(r.Max, most)
		r.Max = most
	}
	r.Min = min(r.Min, most)

	return r
}

// interval is the shortest time between two NOTIFYs.
func (r Rates) interval(own time.Duration) time.Duration {
	if r.Max <= 0 {
		return own
	}

	return max(own, period(r.Max))
}

// period is the time between two of something at that rate.
func period(rate float64) time.Duration {
	return time.Duration(math.Ceil(float64(time.Second) / rate))
}

func (r Rates) params() string {
	s := ""
	if r.Max > 0 {
		s += ";max-rate=" + formatRate(r.Max)
	}
	if r.Min > 0 {
		s += ";min-rate=" + formatRate(r.Min)
	}

	return s
}

// formatRate rounds up at the fourth digit, such that a raised limit stays above its bound.
func formatRate(v float64) string {
	v = min(math.Ceil(v*1e4-1e-6)/1e4, 99)

	return strconv.FormatFloat(v, 'f', -1, 64)
}
