package mixer

import (
	"maps"
	"slices"
	"time"
)

// observer tells who speaks. It looks every SpeakerInterval, as long as anybody is in a mix.
type observer struct {
	engine *Engine
	notify func(*Mix, []MemberID)
	bell   chan struct{} // capacity 1
	stop   chan struct{}
	done   chan struct{}
}

func newObserver(e *Engine, notify func(*Mix, []MemberID)) *observer {
	return &observer{
		engine: e, notify: notify,
		bell: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{}),
	}
}

// ring says that there may be members.
func (o *observer) ring() {
	select {
	case o.bell <- struct{}{}:
	default:
	}
}

// close ends run and waits for it.
func (o *observer) close() {
	close(o.stop)
	<-o.done
}

// run is the observer's goroutine.
func (o *observer) run() {
	defer close(o.done)
	timer := time.NewTimer(SpeakerInterval)
	defer timer.Stop()
	var mixes []*Mix
	for {
		select {
		case <-o.stop:
			return
		case <-timer.C:
		}
		mixes = o.engine.all(mixes[:0])
		busy := false
		for _, m := range mixes {
			if m.attached.Load() {
				busy = true
			}
			o.look(m)
		}
		clear(mixes)
		if !busy {
			select {
			case <-o.stop:
				return
			case <-o.bell:
			}
		}
		timer.Reset(SpeakerInterval)
	}
}

// look reports the speakers of a mix if they have changed.
func (o *observer) look(m *Mix) {
	if !m.speakersChanged.Swap(false) {
		return
	}
	p := m.live.Load()
	active, sources := []MemberID{}, map[MemberID]uint32{}
	for _, i := range p.ins {
		if s := &p.seats[i]; s.in.state.Load()&speakingBit != 0 {
			active = append(active, s.id)
			sources[s.id] = s.in.called.Load()
		}
	}
	slices.Sort(active)
	dominant, held := m.Dominant()
	if slices.Equal(active, m.reported) && maps.Equal(sources, m.sources) && dominant == m.leading && held == m.led {
		return
	}
	m.reported, m.sources, m.leading, m.led = slices.Clone(active), sources, dominant, held
	o.notify(m, active)
}
