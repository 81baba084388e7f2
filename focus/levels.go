package focus

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/mixer"
)

const (
	// levelsTime is how often levels are told at most, and looks how often the mixer's are looked at in that time.
	levelsTime = 250 * time.Millisecond
	looks      = 5
	// namesTime is how often a conference is asked at most whose a level is.
	namesTime = time.Second
	// quietest is the level in -dBov below which nobody is told of: noise of a line.
	quietest = 70
)

// LevelsInfo is how loud the participants of a conference are.
type LevelsInfo struct {
	Levels map[conference.ParticipantID]int `json:"levels" doc:"Level in dBov (RFC 6464: 0 is the loudest there can be) of each participant who is louder than -70, muted ones too: the loudest frame of 20 ms of those looked at since the last event. Who is left out is silent."`
}

// Meter tells one reader how loud the participants of a conference are. It only looks at what the mixer has measured anyhow, and only while somebody reads it: nothing of it is on the
// media path. Next belongs to one goroutine, Close may be called by any.
type Meter struct {
	focus *Focus
	id    conference.ID

	once   sync.Once
	closed chan struct{}

	ctl    *controller // whose members the names are of; nil: the conference was idle
	names  map[mixer.MemberID]conference.ParticipantID
	asked  time.Time // when the names were
	buffer []mixer.MemberLevel
	told   bool // the last levels were not empty
}

// Meter begins to follow the levels of a conference, which may be idle. The error is ErrNoConference.
func (f *Focus) Meter(id conference.ID) (*Meter, error) {
	if _, err := f.lookup(id); err != nil {
		return nil, err
	}
	return &Meter{focus: f, id: id, closed: make(chan struct{})}, nil
}

// Next gives the levels of the next quarter of a second in which somebody is heard, or of the first one in which nobody is any more. Errors: ErrNoConference when the conference has ended, ErrShutdown after
// Close, that of ctx.
func (m *Meter) Next(ctx context.Context) (LevelsInfo, error) {
	ticker := time.NewTicker(levelsTime / looks)
	defer ticker.Stop()
	loudest := map[mixer.MemberID]uint8{}
	for n := 1; ; n++ {
		select {
		case <-ticker.C:
		case <-m.closed:
			return LevelsInfo{}, ErrShutdown
		case <-ctx.Done():
			return LevelsInfo{}, ctx.Err()
		}
		if err := m.look(loudest); err != nil {
			return LevelsInfo{}, err
		}
		if n%looks != 0 || len(loudest) == 0 && !m.told {
			continue
		}
		info := LevelsInfo{Levels: m.name(ctx, loudest)}
		clear(loudest)
		if len(info.Levels) > 0 || m.told {
			m.told = len(info.Levels) > 0
			return info, nil
		}
	}
}

// Close makes Next return.
func (m *Meter) Close() { m.once.Do(func() { close(m.closed) }) }

// look adds what is measured now.
func (m *Meter) look(loudest map[mixer.MemberID]uint8) error {
	m.focus.mu.Lock()
	e := m.focus.entries[m.id]
	var c *controller
	if e != nil {
		c = e.ctl
	}
	m.focus.mu.Unlock()
	if e == nil {
		return ErrNoConference
	}
	if c != m.ctl { // its members count from the beginning
		m.ctl, m.names, m.asked = c, nil, time.Time{}
		clear(loudest)
	}
	if c == nil {
		return nil
	}
	m.buffer = c.mix.Levels(m.buffer[:0])
	for _, l := range m.buffer {
		if l.Level > quietest {
			continue
		}
		if known, ok := loudest[l.ID]; !ok || l.Level < known {
			loudest[l.ID] = l.Level
		}
	}
	return nil
}

// name says whose the levels are. Members that are nobody's, such as announcements, are left out.
func (m *Meter) name(ctx context.Context, loudest map[mixer.MemberID]uint8) map[conference.ParticipantID]int {
	for id := range loudest {
		if _, known := m.names[id]; !known && time.Since(m.asked) >= namesTime {
			m.asked = time.Now()
			_, _ = m.focus.query(ctx, m.id, func(c *controller) { // the next look tells that it has gone
				if c == m.ctl {
					m.names = maps.Clone(c.members)
				}
			})
		}
	}
	out := make(map[conference.ParticipantID]int, len(loudest))
	for id, level := range loudest {
		if p, known := m.names[id]; known {
			out[p] = -int(level)
		}
	}
	return out
}

// levelOf is the level in dBov of the last frame of a participant.
func (c *controller) levelOf(p *participant) int {
	stats, err := c.mix.MemberStats(p.member)
	if err != nil {
		return -codecs.SilenceLevel
	}
	return -int(stats.Level)
}
