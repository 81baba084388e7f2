package rtt

import "time"

// window is over which the rate of characters is judged (RFC 4103, section 6; RFC 9071, section 3.4).
const window = 10 * time.Second

// pace counts the characters of the last ten seconds, second by second.
type pace struct {
	seconds []second
}

type second struct {
	at    time.Duration // its beginning
	count int
}

func (p *pace) forget(now time.Duration) {
	for len(p.seconds) > 0 && p.seconds[0].at+time.Second+window <= now {
		p.seconds = p.seconds[1:]
	}
}

func (p *pace) add(now time.Duration, count int) {
	p.forget(now)
	at := now.Truncate(time.Second)
	if n := len(p.seconds); n > 0 && p.seconds[n-1].at == at {
		p.seconds[n-1].count += count
		return
	}
	p.seconds = append(p.seconds, second{at: at, count: count})
}

// room is how many characters may be sent now.
func (p *pace) room(now time.Duration, cps int) int {
	p.forget(now)
	room := cps * int(window/time.Second)
	for _, s := range p.seconds {
		room -= s.count
	}
	return max(room, 0)
}

// when is when so many characters, which are not more than cps in ten seconds, may be sent.
func (p *pace) when(now time.Duration, cps, count int) time.Duration {
	over := count - p.room(now, cps)
	at := now
	for _, s := range p.seconds {
		if over <= 0 {
			break
		}
		over -= s.count
		at = s.at + time.Second + window
	}
	return at
}
