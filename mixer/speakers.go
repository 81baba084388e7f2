package mixer

// selectedBonus is by how many dB a newcomer must be louder than who is mixed already.
const selectedBonus = 6

// choose marks the inputs that are mixed in this tick: all active ones, or the loudest of them. Who only speaks is always
// mixed; who goes first is, too, and leaves one place less to the others. The chosen are found in plan.top, which has room for as many as may be.
func (p *plan) choose(maxSpeakers int) {
	if maxSpeakers == 0 {
		for _, i := range p.ins {
			p.seats[i].in.selected = true
		}

		return
	}
	places := maxSpeakers
	for _, i := range p.ins {
		s := &p.seats[i]
		if s.counted && s.first && s.audible(&s.in.signals[mainSignal]) {
			places--
		}
	}
	p.top = p.top[:0]
	for _, i := range p.ins {
		s := &p.seats[i]
		if s.counted && !s.first && s.audible(&s.in.signals[mainSignal]) {
			p.challenge(i, places)
		}
	}
	for _, i := range p.ins {
		s := &p.seats[i]
		s.in.selected = !s.counted || s.first
	}
	for _, i := range p.top {
		p.seats[i].in.selected = true
	}
}

// challenge puts a seat into top, which has room for so many, ordered by score, if it is loud enough. The first of equals stays.
func (p *plan) challenge(i int32, places int) {
	places = min(places, cap(p.top))
	score := p.seats[i].in.score()
	at := len(p.top)
	for at > 0 && p.seats[p.top[at-1]].in.score() < score {
		at--
	}
	if at >= places {
		return
	}
	if len(p.top) < places {
		p.top = p.top[:len(p.top)+1]
	}
	copy(p.top[at+1:], p.top[at:])
	p.top[at] = i
}

// score is the loudness in dB, with a bonus for who is being mixed.
func (in *input) score() float32 {
	if in.selected {
		return in.loudness + selectedBonus
	}

	return in.loudness
}
