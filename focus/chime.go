package focus

import (
	"log/slog"
	"slices"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/mixer"
)

// Tones that say what happens: rising for who comes, falling for who goes, three of one pitch for an end that is near, and three
// falling ones for the end itself.
//
//nolint:gochecknoglobals // tables
var (
	tonesEntered = []note{{523, 120 * time.Millisecond}, {784, 180 * time.Millisecond}}
	tonesLeft    = []note{{784, 120 * time.Millisecond}, {523, 180 * time.Millisecond}}
	tonesRemind  = []note{{659, 150 * time.Millisecond}, {0, 100 * time.Millisecond}, {659, 150 * time.Millisecond}, {0, 100 * time.Millisecond}, {659, 150 * time.Millisecond}}
	tonesEnd     = []note{{784, 200 * time.Millisecond}, {659, 200 * time.Millisecond}, {523, 400 * time.Millisecond}}
)

// note is a tone of a frequency in hertz, 0: silence.
type note struct {
	hz  float64
	len time.Duration
}

// chimeRest is how long after a chime there is no other: of many who come at once one is heard.
const chimeRest = time.Second

// melody makes samples of notes, at toneRate.
func melody(notes []note) ([]int16, error) {
	var pcm []int16
	for _, n := range notes {
		part := make([]int16, toneRate*n.len/time.Second)
		if n.hz > 0 {
			generator, err := codecs.NewToneGenerator(codecs.Tone{
				Frequencies: []float64{n.hz}, Level: -20, Cadence: []time.Duration{n.len}, Once: true,
			}, toneRate)
			if err != nil {
				return nil, err
			}
			generator.Read(part)
		}
		pcm = append(pcm, part...)
	}
	return pcm, nil
}

// chime lets everybody hear that somebody has come or gone.
func (c *controller) chime(entered bool) {
	if time.Since(c.chimed) < chimeRest {
		return
	}
	c.chimed = time.Now()
	notes := tonesLeft
	if entered {
		notes = tonesEntered
	}
	c.sing(notes)
}

// sing plays notes to everybody.
func (c *controller) sing(notes []note) {
	pcm, err := melody(notes)
	if err != nil {
		c.log.Error("tones", slog.Any("error", err))
		return
	}
	c.play(&announcement{pcm: pcm, rate: toneRate}, &playback{}, false)
}

// remind says that the end is near, to the participants and to applications.
func (c *controller) remind(left time.Duration) {
	c.log.Info("the conference will end", slog.Duration("left", left))
	c.focus.events.add(c.id, time.Now(), ConferenceEnding, DescribeConference(c.machine.State()), false)
	c.sing(tonesRemind)
	minutes := int(left / time.Minute)
	if minutes == 0 || left%time.Minute != 0 {
		return
	}
	unit := "minutes"
	if minutes == 1 {
		unit = "minute"
	}
	words := append([]string{"conference-ends-in"}, c.focus.prompts.Number(minutes)...)
	c.later(remindPause, saying{prompts: append(words, unit)})
}

// remindPause is how long after the beginning of the tones something is said.
const remindPause = 900 * time.Millisecond

// saying asks to say something to everybody.
type saying struct{ prompts []string }

func (m saying) handle(c *controller) {
	if c.machine.State().PresentCount() > 0 {
		c.sayAll(m.prompts...)
	}
}

// farewell announces the end, which comes when it has been heard.
func (c *controller) farewell() {
	c.focus.events.add(c.id, time.Now(), ConferenceEnding, DescribeConference(c.machine.State()), false)
	for id := range c.participants { // nothing else matters now
		c.hush(id)
	}
	if s := c.focus.goodbye(&c.entry.cfg); s != nil {
		c.play(&announcement{pcm: s.pcm, rate: s.rate}, &playback{}, true)
		return
	}
	c.sing(tonesEnd)
}

// goodbye is what is said at the end; nil: only tones are heard.
func (f *Focus) goodbye(c *ConferenceConfig) *Sound {
	if c.Goodbye != nil {
		return c.Goodbye
	}
	if pcm, ok := f.prompts.Sound("conference-ended"); ok {
		return &Sound{pcm: pcm, rate: promptRate}
	}
	return nil
}

// farewellTime is how long that takes, with what the mixer and the jitter buffers of participants add.
func (f *Focus) farewellTime(c *ConferenceConfig) time.Duration {
	length := 200 * time.Millisecond
	if s := f.goodbye(c); s != nil {
		return length + s.Duration()
	}
	for _, n := range tonesEnd {
		length += n.len
	}
	return length
}

// Sound is something to be played, read and decoded once. It is immutable.
type Sound struct {
	pcm  []int16
	rate int
}

// NewSound reads RIFF, linear PCM of 16 bits, mono or stereo, 8, 16 or 48 kHz, or Opus in Ogg (RFC 7845). Error: ErrInvalid.
func NewSound(file []byte) (*Sound, error) {
	pcm, rate, err := readSound(file)
	if err != nil {
		return nil, err
	}
	return &Sound{pcm: pcm, rate: rate}, nil
}

// Duration is how long it takes to play it.
func (s *Sound) Duration() time.Duration {
	return time.Duration(len(s.pcm)) * time.Second / time.Duration(s.rate)
}

// settleMusic plays music to those who wait or are held, and to who is alone: all of them hear the same, and nobody else does, nor recordings.
func (c *controller) settleMusic() {
	s := c.entry.cfg.Music
	if s == nil {
		return
	}
	audience := musicAudience(c.machine.State(), !c.entry.cfg.NoMusicAlone)
	if slices.Equal(audience, c.music.audience) {
		return
	}
	if c.music.member != 0 && len(audience) == 0 {
		delete(c.sources, c.music.member)
		c.music = music{}
		c.updateMix()
		return
	}
	if c.music.member == 0 {
		c.music.member = c.newMember()
		c.sources[c.music.member] = source{In: &announcement{pcm: s.pcm, rate: s.rate, loop: true}}
	}
	from := c.sources[c.music.member]
	from.Audience, from.Replace, from.Music = audience, true, true
	c.sources[c.music.member] = from
	c.music.audience = audience
	c.updateMix()
}

// music is what is played while there is nothing else to hear.
type music struct {
	member   mixer.MemberID // 0: none is played
	audience []conference.ParticipantID
}

// musicAudience are those who hear nothing else.
func musicAudience(s *conference.State, alone bool) []conference.ParticipantID {
	var list []conference.ParticipantID
	alone = alone && s.PresentCount() == 1
	for i := range s.Participants {
		if p := s.Participants[i]; p.Waiting() || p.Held && p.Present() || alone && p.Present() {
			list = append(list, p.ID)
		}
	}
	return list
}
