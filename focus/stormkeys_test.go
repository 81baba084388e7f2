package focus_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/internal/sipua"
)

// Each voice has two digits of its own: one that its phone presses in its media, as telephone event or as two tones, and one that it sends by INFO.
const (
	stormPressed  = 6    // frames
	stormKeyLevel = 1800 // of each tone of a key, at least: what voices have at one frequency is less
	stormLetIn    = '1'  // consents; voice 0 sends it by INFO as well
	stormRefused  = '9'  // of those at the door nobody; voice 4 sends it by INFO as well
	stormNeutral  = 'm'  // what stands for a key that is masked
)

// stormPress is a key that somebody has pressed.
type stormPress struct {
	voice int
	key   byte
	n     int // the frame that it began with
	tones bool
}

// stormDigit is that of a voice.
func stormDigit(voice int, info bool) byte {
	digit := '0' + byte(2*voice)
	if info {
		digit++
	}
	return digit
}

// stormInBand tells of a voice that its phone knows no telephone events.
func stormInBand(voice int) bool { return voice%2 == 1 }

// stormKeyTones are the frequencies of keys, those of rows first, and that of what stands for one.
var stormKeyTones = [...]float64{697, 770, 852, 941, 1209, 1336, 1477, 1633, 620}

// stormKeyRows are the keys by their tones: four in a row.
const stormKeyRows = "123A456B789C*0#D"

// stormKeyWaves are those tones.
var stormKeyWaves = func() (waves [len(stormKeyTones)][2][stormFrame]float64) {
	for tone, hz := range stormKeyTones {
		for i := range stormFrame {
			waves[tone][0][i], waves[tone][1][i] = math.Sincos(2 * math.Pi * hz * float64(i) / 8000)
		}
	}
	return waves
}()

// stormKeyIn is the key whose tones are in a frame, for half of it at least; 0: there are none.
//
//go:norace
func stormKeyIn(pcm []float64) byte {
	var level [len(stormKeyTones)]float64
	for tone := range level {
		var sin, cos float64
		wave := &stormKeyWaves[tone]
		for i, v := range pcm {
			sin += v * wave[0][i]
			cos += v * wave[1][i]
		}
		level[tone] = math.Hypot(sin, cos) * 2 / stormFrame
	}
	const enough = stormKeyLevel / 32768.0
	row, column := 0, 0
	for i := range 4 {
		if level[i] > level[row] {
			row = i
		}
		if level[4+i] > level[4+column] {
			column = i
		}
	}
	switch {
	case min(level[row], level[4+column]) > enough:
		return stormKeyRows[4*row+column]
	case level[8] > enough && level[8] > level[row]:
		return stormNeutral
	}
	return 0
}

// stormKeySay is a frame of the tones of a key.
func stormKeySay(key byte, n int) []int16 {
	at, out := strings.IndexByte(stormKeyRows, key), make([]int16, stormFrame)
	for i := range out {
		t := 2 * math.Pi * float64(n*stormFrame+i) / 8000
		out[i] = int16(5000 * (math.Sin(stormKeyTones[at/4]*t) + math.Sin(stormKeyTones[4+at%4]*t)))
	}
	return out
}

// likeKey tells whether single frames of a voice are like a key for who listens for keys: in recordings without keys they are silent, as is documented.
func (o *stormOracle) likeKey(conf string, voice int) bool {
	return o.s.plan.keys[conf] != conference.KeepKeys && stormInBand(voice) && slices.Contains(stormSuspects(), voice)
}

// stormSuspects are voices that have such frames. Which they are depends on what came before.
var stormSuspects = sync.OnceValue(func() (list []int) {
	for voice := range stormVoices {
		detector, err := codecs.NewDTMFDetector(8000)
		if err != nil {
			panic(err)
		}
		for n := range 1 << stormBits {
			if detector.Push(stormSay(voice, n)); detector.Suspects() {
				list = append(list, voice)
				break
			}
		}
	}
	return list
})

// stirKeys has keys be pressed, whatever else is done to who presses them.
func (s *storm) stirKeys(rng *rand.Rand) {
	for time.Now().Before(s.over) {
		pass(time.Duration(100+rng.IntN(700)) * time.Millisecond)
		voice := rng.IntN(stormVoices)
		if s.facts.now(key("in", voice)) != "" {
			s.press(voice, stormDigit(voice, false), rng.IntN(4) == 0)
		}
	}
}

// press has somebody press a key; by INFO it is another of his, unless he is at the door.
func (s *storm) press(voice int, digit byte, info bool) {
	p := s.phones[voice]
	if info && digit == stormDigit(voice, false) {
		digit = stormDigit(voice, true)
	}
	s.note("%s presses %c (INFO: %t)", p.name, digit, info)
	press := &stormPress{voice: voice, key: digit, tones: !info && stormInBand(voice)}
	if info {
		p.mu.Lock()
		dialog := p.dialog
		press.n = p.n
		p.mu.Unlock()
		s.pressed(*press)
		if dialog != nil {
			_, _ = dialog.Request(s.t.Context(), "INFO", sipua.Body{ContentType: "application/dtmf", Data: []byte{digit}}) // he may have gone
		}
		return
	}
	s.facts.begin(time.Now(), key("pressing", voice))
	p.mu.Lock()
	press.n = p.n + 1
	p.press = press
	p.mu.Unlock()
	s.pressed(*press)
	pass((stormPressed + 2) * codecs.FrameDuration)
	s.facts.end(time.Now(), "no", key("pressing", voice))
}

func (s *storm) pressed(press stormPress) {
	s.facts.mu.Lock()
	defer s.facts.mu.Unlock()
	s.presses = append(s.presses, press)
}

// pressing writes what a phone sends instead of a frame of its voice while a key is pressed, behind the header; false: none is. mu is held.
func (p *stormPhone) pressing(packet []byte, n int, encoder codecs.Encoder) (size int, pressed bool) {
	press := p.press
	if press == nil || n < press.n {
		return 0, false
	}
	if n >= press.n+stormPressed {
		p.press = nil
		return 0, false
	}
	if encoder == nil {
		return 0, true
	}
	if press.tones {
		size, _ = encoder.Encode(packet[12:], stormKeySay(press.key, n)) // does not fail for G.711
		return size, true
	}
	if p.stream.Event.Events == (sdp.EventSet{}) { // he presses a key that his phone cannot send
		return 0, true
	}
	code, _ := codecs.EventCode(press.key)
	packet[1] = p.stream.Event.Number
	binary.BigEndian.PutUint32(packet[4:], uint32(press.n*stormFrame))
	last := n >= press.n+stormPressed-2
	e := codecs.Event{Code: code, Volume: 10, Duration: uint16(min(n-press.n+1, stormPressed-1) * stormFrame), End: last}
	return len(codecs.AppendEvent(packet[12:12], e)), true
}

// checkKeys looks for keys in recordings that may not be there, and for those that should.
func (o *stormOracle) checkKeys() {
	found := map[stormPress]map[string]int{} // in which streams a press is, and in how many frames
	for _, session := range o.s.sessions() {
		for _, stream := range session.heard(o.s.mains) {
			run := 0
			for i, frame := range stream.frames {
				if i > 0 && (stream.frames[i-1].key != frame.key || frame.stamp-stream.frames[i-1].stamp != stormFrame) {
					run = 0
				}
				if run++; frame.key != 0 {
					o.judgeKey(session, stream, i, run, found)
				}
			}
		}
	}
	for _, press := range o.s.presses {
		o.missKey(press, found)
	}
}

// when is between which frames that voices say somebody spoke of whom one of a stream is. Without anybody who can be read it is any before it came.
func (m *stormStream) when(origin time.Time, i int) (from, to int) {
	if n := m.near(i, func(stormPart) bool { return true }); n >= 0 {
		return n - 60, n + 60
	}
	return 0, int(m.frames[i].at.Sub(origin) / codecs.FrameDuration)
}

// judgeKey tells whether a key may be in a frame of a stream, which is the one of a number that has it.
func (o *stormOracle) judgeKey(session *stormSession, stream *stormStream, i, run int, found map[stormPress]map[string]int) {
	frame := stream.frames[i]
	from, to := stream.when(o.s.b.origin, i)
	may, masks := false, false
	for conf, policy := range o.s.plan.keys {
		if frame.conf == "" || frame.conf == conf {
			may, masks = may || policy == conference.KeepKeys, masks || policy == conference.MaskKeys
		}
	}
	said := func(what string) string {
		return fmt.Sprintf("%s %c between %v and %v in stream %s of %s (%s, %s), which came at %v", what, frame.key, o.s.since(o.s.said(from)), o.s.since(o.s.said(to)), stream.label, session.name,
			frame.conf, frame.place, o.s.since(frame.at))
	}
	o.tally["keys: judged"]++
	neutral, allowed, late := frame.key == stormNeutral, false, false
	for _, press := range o.s.presses {
		if press.key != frame.key && !neutral || press.n < from || press.n > to {
			continue
		}
		if !o.forbidden(press, frame.conf) {
			allowed = true
			if found[press] == nil {
				found[press] = map[string]int{}
			}
			found[press][string(frame.stream)]++
		}
		late = late || press.tones
	}
	switch {
	case neutral && !masks:
		o.fault("key", "%s", said("what stands for a key,"))
	case neutral:
	case !may && (run > 1 || !late): // 22 ms it takes until it is known what is in the audio
		o.fault("key", "%s, where none is kept", said("key"))
	case may && !allowed:
		o.fault("key", "%s of nobody of whom it may be there", said("key"))
	}
}

// forbidden tells of a press that it may be in no recording of a conference, or of any if that is not known.
func (o *stormOracle) forbidden(press stormPress, conf string) bool {
	from := o.s.said(press.n)
	look := stormLook{facts: o.facts, from: from.Add(-40 * time.Millisecond), to: from.Add(stormPressed*codecs.FrameDuration + stormLate)}
	in := look.is(key("in", press.voice))
	out := in == "" || conf != "" && in != conf || look.is(key("unrecorded", press.voice)) == "yes" || look.is(key("masked", press.voice)) == "yes" || look.is("recording/"+in) != "on"
	return out && !look.unsure
}

// missKey tells whether a press is in all streams in which it should be, or what stands for it.
func (o *stormOracle) missKey(press stormPress, found map[stormPress]map[string]int) {
	from := o.s.said(press.n)
	look := stormLook{facts: o.facts, from: from.Add(-200 * time.Millisecond), to: from.Add(time.Second)}
	conf, where := recordedIn(&look, press.voice)
	told, captures := look.is(key("told", press.voice)), look.is("captures/"+conf)
	copies, _ := strconv.Atoi(look.is("copies/" + conf))
	if look.unsure || where != "main" || o.s.died != nil && !o.onDisk(conf, from) || told != "on" || captures != "yes" || o.s.plan.keys[conf] != conference.KeepKeys || o.s.b.focus.Stats().UnrecordedFrames > 0 {
		return
	}
	o.tally["keys: must"]++
	if got, want := len(found[press]), o.s.plan.streams(conf)*min(copies, o.s.plan.copies); got < want {
		o.fault("no key", "%c of v%d at %v is in %d of %d streams of %s", press.key, press.voice, o.s.since(from), got, want, conf)
	}
}

// newStormKeys are the policies for keys of a plan.
func newStormKeys(rng *rand.Rand) map[string]conference.KeyPolicy {
	all, keys := []conference.KeyPolicy{conference.KeepKeys, conference.SuppressKeys, conference.MaskKeys}, map[string]conference.KeyPolicy{}
	for _, conf := range stormConferences {
		keys[conf] = all[rng.IntN(len(all))]
	}
	return keys
}
