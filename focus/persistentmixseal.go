package focus

import (
	"context"
	"slices"
	"time"

	"github.com/parley-sip/parley/siprec"
	"github.com/parley-sip/parley/siprec/seal"
)

// What is sent in a line that conferences share while one of them is in it is a part of that conference's recording, and in its seal, whoever else is in it as
// well: the manifest proves packets, and says nothing of who speaks in them. So the packets of the line are in as many digests as there are conferences.

// feedSeal is what is sealed of the line for one conference, in one dialog.
type feedSeal struct {
	digest *seal.Digest
	codec  string // guarded by the mutex of the session until done
	callID string
	done   chan struct{} // closed when nothing goes into the digest any more
}

// sealAfter is how often it is looked whether all has been sent of a conference that has gone.
const sealAfter = 200 * time.Millisecond

// sealed has what is sent from now on sealed for a conference, if anything is, and there is a dialog. mu of the session is held, as in what follows.
func (f *feed) sealed() {
	g := f.into
	h := g.owner
	if f.seal != nil || h.chain == nil || h.dialog == nil {
		return
	}
	f.seal = &feedSeal{digest: seal.NewDigest(), callID: h.callID, done: make(chan struct{})}
	g.seals = append(g.seals, f.seal)
	g.witness()
}

// witness has what is sent go into the digests that there are.
func (g *merged) witness() {
	list := make([]*seal.Digest, 0, len(g.seals))
	for _, s := range g.seals {
		s.codec = codecName(g.format.Codec)
		list = append(list, s.digest)
	}
	g.capture.digest.Store(witnessed(list...))
}

// unseal takes digests out of what is sent, and says so when the tick has seen it.
func (g *merged) unseal(list ...*feedSeal) {
	list = slices.DeleteFunc(list, func(s *feedSeal) bool { return s == nil || !slices.Contains(g.seals, s) })
	if len(list) == 0 {
		return
	}
	g.seals = slices.DeleteFunc(g.seals, func(s *feedSeal) bool { return slices.Contains(list, s) })
	g.witness()
	applied, over := g.apply(), g.owner.over
	g.owner.focus.spawn(func(context.Context) {
		select {
		case <-applied:
		case <-over:
			<-g.mix.Close()
		}
		for _, s := range list {
			close(s.done)
		}
	})
}

// newDialog ends what was sealed in the dialog before.
func (g *merged) newDialog() {
	if g == nil {
		return
	}
	g.unseal(slices.Clone(g.seals)...)
	for _, f := range g.feeds {
		f.seal = nil
	}
}

// closeSeals ends what is sealed when the mix is no more.
func (g *merged) closeSeals() {
	for _, s := range g.seals {
		close(s.done)
	}
	g.seals = nil
}

// sealLater looks until all has been sent of a conference that has gone.
func (g *merged) sealLater(f *feed) {
	if f.seal == nil {
		return
	}
	h, applied := g.owner, g.applied
	h.focus.spawn(func(ctx context.Context) {
		select {
		case <-applied:
		case <-h.over:
			return
		case <-ctx.Done():
			return
		}
		ticker := time.NewTicker(sealAfter)
		defer ticker.Stop()
		for {
			h.mu.Lock()
			g.weigh()
			waits := slices.Contains(g.gone, f)
			h.mu.Unlock()
			if !waits {
				return
			}
			select {
			case <-ticker.C:
			case <-h.over:
				return
			case <-ctx.Done():
				return
			}
		}
	})
}

// startMerged lets the mixed stream of a conference flow into the merged line, whose session is not the controller's.
func (c *controller) startMerged(r *recorder, s *recorded, a siprec.StartMedia) {
	s.started, s.label = true, a.Label
	c.openApart(r, s)
	c.renewSealing(r)
	if r.sealing != nil {
		s.feed.sealInto(r.sealing, a.Label)
	}
}

// sealInto makes the line a stream of a manifest, if it is of the present dialog; else it will be when that is known.
func (f *feed) sealInto(m *sealing, label string) {
	h := f.into.owner
	h.mu.Lock()
	defer h.mu.Unlock()
	f.sealed()
	known := func(s sealedStream) bool { return s.shared == f.seal }
	if f.seal == nil || f.seal.callID != m.manifest.CallID || slices.ContainsFunc(m.streams, known) {
		return
	}
	m.streams = append(m.streams, sealedStream{label: label, digest: f.seal.digest, shared: f.seal})
	done := f.seal.done
	m.closing.Go(func() { <-done })
}
