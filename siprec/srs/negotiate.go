package srs

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/siprec"
)

var errTooMany = errors.New("too many recordings")

// A proposal is an answer that has not taken effect: the sockets for its new streams are open.
type proposal struct {
	plan  sdp.Plan
	fresh map[int]pair // by m-line
}

// drop closes the sockets that the plan does not use.
func (p *proposal) drop(used func(index int) bool) {
	for i, sockets := range p.fresh {
		if !used(i) {
			sockets.close()
		}
	}
}

// propose decides about an offer. Streams keep their sockets as long as their m-line keeps its label
// and its identity; the others get new ones. Errors are those of sdp, and ErrNoPorts.
func (r *recording) propose(offer sdp.Description, d *document) (*proposal, error) {
	p := &proposal{fresh: make(map[int]pair)}
	local := r.localFor(offer, d)
	count := 0
	for i := range offer.Media {
		if !offer.Media[i].IsAudio() && !offer.Media[i].IsText() {
			continue
		}
		if count++; count > r.cfg.MaxStreams {
			local.Streams[i].Port = 0

			continue
		}
		if local.Streams[i].Port != 0 {
			continue
		}
		sockets, err := r.server.ports.open(r.bind)
		if err != nil {
			p.drop(nobody)

			return nil, err
		}
		p.fresh[i] = sockets
		local.Streams[i].Port = sockets.port()
	}
	r.secure(&local, &offer)
	plan, err := sdp.Answer(offer, local)
	if err == nil && r.refit(p, plan, &local) {
		r.secure(&local, &offer)
		plan, err = sdp.Answer(offer, local)
	}
	if err != nil {
		p.drop(nobody)

		return nil, err
	}
	for _, agreed := range plan.Streams {
		if agreed.Codec.Valid() {
			plan.Answer.Media[agreed.Index].PacketTime = r.cfg.packetTime(agreed.Codec)
		}
	}
	r.cfg.takeNoise(&plan)
	p.plan = plan

	return p, nil
}

// refit opens new sockets for streams whose codec now has another sample rate or other channels, as that
// needs another file, and reports whether there are any.
func (r *recording) refit(p *proposal, plan sdp.Plan, local *sdp.Local) bool {
	changed := false
	for _, agreed := range plan.Streams {
		i := agreed.Index
		s := r.slot(i)
		if s == nil || s.pair.port() != agreed.LocalPort || r.cfg.Format.same(s.receiver.codec, agreed.Codec) {
			continue
		}
		sockets, err := r.server.ports.open(r.bind)
		if err != nil {
			local.Streams[i].Port = 0 // refused rather than mixed up
		} else {
			p.fresh[i] = sockets
			local.Streams[i].Port = sockets.port()
		}
		changed = true
	}

	return changed
}

func nobody(int) bool { return false }

// localFor is our side for each m-line of an offer, with the ports of the streams that go on.
func (r *recording) localFor(offer sdp.Description, d *document) sdp.Local {
	local := r.local
	local.Previous = r.answer
	local.Streams = make([]sdp.LocalStream, len(offer.Media))
	for i := range local.Streams {
		local.Streams[i] = sdp.LocalStream{
			Codecs: r.cfg.Codecs, SingleCodec: true, Events: true, ComfortNoise: !r.cfg.NoComfortNoise, Direction: sdp.RecvOnly,
		}
		if offer.Media[i].IsText() {
			local.Streams[i].Text = localText()
		}
		if s := r.slot(i); s != nil && s.receiver.text != nil == offer.Media[i].IsText() && offer.Media[i].Label == s.report.Label && !d.renames(s.report) {
			local.Streams[i].Port = s.pair.port()
		}
	}

	return local
}

// slot is the stream of an m-line, nil if there is none.
func (r *recording) slot(i int) *stream {
	if i < len(r.slots) {
		return r.slots[i]
	}

	return nil
}

// renames reports whether a document gives the label of a stream to another one.
func (d *document) renames(s *Stream) bool {
	if d == nil || s.StreamID == "" {
		return false
	}
	i := slices.IndexFunc(d.value.Streams, func(o siprec.Stream) bool { return o.Label != "" && o.Label == s.Label })

	return i >= 0 && string(d.value.Streams[i].ID) != s.StreamID
}

// adopt makes a plan true: streams end, go on, pause, resume and begin.
func (r *recording) adopt(p *proposal, now time.Time) error {
	slots := make([]*stream, len(p.plan.Answer.Media))
	used := make(map[int]bool)
	var fault error
	for _, agreed := range p.plan.Streams {
		i := agreed.Index
		s := r.slot(i)
		if s != nil && s.pair.port() == agreed.LocalPort {
			s.pair.reserve(agreed.Codec)
			fault = errors.Join(fault, r.agree(s, agreed, now))
			slots[i] = s

			continue
		}
		sockets, fresh := p.fresh[i]
		if !fresh {
			continue
		}
		begun, err := r.newStream(sockets, agreed, now)
		if err != nil {
			fault = errors.Join(fault, fmt.Errorf("stream %q: %w", agreed.Label, err))

			continue
		}
		slots[i], used[i] = begun, true
	}
	for i, s := range r.slots {
		if s != nil && (i >= len(slots) || slots[i] != s) {
			r.endStream(s, now)
		}
	}
	r.slots = slots
	answer := p.plan.Answer
	r.answer = &answer
	p.drop(func(i int) bool { return used[i] })

	return fault
}
