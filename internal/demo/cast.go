package demo

import (
	"context"
	"fmt"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/testdata/speech"
)

// role is one caller of the play.
type role struct {
	name        string
	codec       codecs.Codec
	transport   string
	listens     bool // never speaks
	recordAware bool
	lateOffer   bool
	late        bool // joins in the middle
}

// cast is who plays.
//
//nolint:gochecknoglobals // the table of the play
var cast = []role{
	{name: "alice", codec: codecs.PCMU, transport: "udp"},
	{name: "bob", codec: codecs.PCMA, transport: "udp"},
	{name: "carol", codec: codecs.G722, transport: "tcp", recordAware: true},
	{name: "dave", codec: codecs.Opus, transport: "tcp"},
	{name: "erin", codec: codecs.PCMU, transport: "udp", listens: true},
	{name: "frank", codec: codecs.Opus, transport: "udp", lateOffer: true, late: true},
}

// actor is a role with a phone and a voice.
type actor struct {
	role
	phone *conftest.Phone
	voice []int16 // at the codec's rate
	next  int     // the first sample of voice not yet spoken
	in    bool    // in the conference now
}

func newActor(ctx context.Context, r role, origin time.Time) (*actor, error) {
	a := &actor{role: r}
	var err error
	a.phone, err = conftest.NewPhone(ctx, conftest.PhoneConfig{
		Name: r.name, Transport: r.transport, Codec: r.codec, ListenOnly: r.listens, RecordAware: r.recordAware, LateOffer: r.lateOffer, Origin: origin,
	})
	if err != nil {
		return nil, fmt.Errorf("phone of %s: %w", r.name, err)
	}
	file, err := speech.Files.ReadFile(r.name + ".wav")
	if err != nil {
		return nil, err
	}
	wav, err := conftest.ParseWAV(file)
	if err != nil {
		return nil, err
	}
	a.voice, err = conftest.ResamplePCM(wav.Samples, wav.Rate, r.codec.SampleRate())
	return a, err
}

// speak says the next stretch of the actor's recording, from the beginning again when it has come to the end.
func (a *actor) speak(length time.Duration) <-chan struct{} {
	n := int(length * time.Duration(a.codec.SampleRate()) / time.Second)
	out := make([]int16, 0, n)
	for len(out) < n {
		piece := a.voice[a.next:min(len(a.voice), a.next+n-len(out))]
		out = append(out, piece...)
		if a.next += len(piece); a.next == len(a.voice) {
			a.next = 0
		}
	}
	return a.phone.Say(out)
}

// describe says what the actor's phone is.
func (a *actor) describe() string {
	text := fmt.Sprintf("%-5s  %s over %s", a.name, a.codec, a.transport)
	switch {
	case a.listens:
		text += ", only listens"
	case a.recordAware:
		text += ", record-aware"
	case a.lateOffer:
		text += ", offers in the ACK, joins late"
	}
	return text
}
