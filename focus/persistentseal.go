package focus

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/parley-sip/parley/siprec"
)

// A persistent session has no end in which its manifest could be sent, and a manifest that comes after weeks proves nothing today. So each recording
// in it has its own, of its streams while it had them and of the documents from its beginning to its end. It is made when the server has acknowledged
// the end, and sent in the metadata, as an element of the communication session. In a dialog that is lost it is kept here only, as that of any session.

// sealPatience is how long a recording that the server knows to have ended waits for its seal.
const sealPatience = 30 * time.Second

// renewSealing begins the manifest of a recording for the present dialog of a persistent session, and seals what was sent in the one before.
func (c *controller) renewSealing(r *recorder) {
	l, lent := r.client.(*lease)
	if !lent || c.focus.sealer == nil {
		return
	}
	l.session.mu.Lock()
	callID := l.session.callID
	l.session.mu.Unlock()
	if callID == "" || r.sealing != nil && r.sealing.manifest.CallID == callID {
		return
	}
	c.sealUp(r)
	r.sealing = c.sealing(r)
	r.sealing.manifest.CallID, r.sealing.manifest.Part = callID, true
	l.session.mu.Lock()
	defer l.session.mu.Unlock()
	r.sealing.part, r.sealing.sent, r.sealing.from, r.sealing.chain = l, l.sent, l.from, l.session.chain
}

// endSession ends what a recording has of a dialog: as a rule it is over.
func (c *controller) endSession(r *recorder) {
	if l, lent := r.client.(*lease); lent {
		c.sealLease(r, l)
		return
	}
	c.endRecorderDialog(r, siprec.Message{}, farewellPatience, nil)
}

// sealLease seals what was recorded in a persistent session when the last of it has been sent and the server knows the end.
func (c *controller) sealLease(r *recorder, l *lease) {
	s, applied, silent := r.sealing, c.applied, c.silent
	r.sealing = nil
	if s == nil {
		l.finish(nil, "")
		return
	}
	c.focus.spawn(func(ctx context.Context) {
		select {
		case <-applied:
		case <-silent:
		}
		s.closing.Wait()
		select {
		case <-l.known:
		case <-l.session.over:
		case <-ctx.Done():
		}
		l.finish(s.signPart(c.focus), s.manifest.CallID)
	})
}

// signPart makes the manifest of a recording in a persistent session.
func (s *sealing) signPart(f *Focus) []byte {
	s.part.session.mu.Lock()
	s.manifest.Documents = s.sent.since(s.from)
	s.part.session.mu.Unlock()
	return s.sign(f)
}

// finish gives the seal of a recording to the server, nil for none. It is kept for itself where the dialog is another one by now.
func (l *lease) finish(signed []byte, callID string) {
	h := l.session
	h.mu.Lock()
	defer h.mu.Unlock()
	if l.sealed {
		return
	}
	l.sealed = true
	if signed != nil && callID == h.callID && !h.server.Profile.OmitSeal {
		l.seal = siprec.Extension(fmt.Sprintf(`%s kid="%s">%s</seal>`, sealElement, h.focus.sealer.KeyID(), signed))
	}
	h.desire()
	h.settle()
}

// withSeals adds the seals of recordings that have ended to the roster of their session, which may be recorded again by now.
func (h *persistent) withSeals(r siprec.Roster) siprec.Roster {
	for _, l := range h.leases {
		if l.seal != "" && l.rosters[0].Session == r.Session {
			r.SessionElements = append(slices.Clone(r.SessionElements), l.seal)
		}
	}
	return r
}

// knowsSeal tells whether the server has acknowledged the seal of a recording, or never will. mu is held, as in what follows.
func (h *persistent) knowsSeal(l *lease) bool {
	if h.focus.sealer == nil {
		return true
	}
	if !l.sealed {
		if l.patience == nil {
			l.patience = time.AfterFunc(sealPatience, func() { l.finish(nil, "") })
		}
		return false
	}
	state := h.client.State()
	if l.seal == "" || state != siprec.StateRecording && state != siprec.StatePaused {
		return true
	}
	known, _ := h.client.Acknowledged()
	return slices.ContainsFunc(known.Sessions, func(s siprec.Session) bool {
		return s.ID == l.rosters[0].Session && slices.Contains(s.Extensions, l.seal)
	})
}

// beginDocuments counts the documents of a dialog that begins: all recordings are in it from the first one on.
func (h *persistent) beginDocuments() {
	if h.focus.sealer == nil {
		return
	}
	h.sent, h.chain = newSentDocuments(), &sealChain{}
	h.merged.newDialog()
	for _, l := range h.leases {
		l.sent, l.from = h.sent, 0
	}
}

// forgetDocuments lets go of documents that no seal will name.
func (h *persistent) forgetDocuments() {
	first := h.sent.count()
	for _, l := range h.leases {
		if l.sent == h.sent {
			first = min(first, l.from)
		}
	}
	h.sent.forget(first)
}
