package focus

import (
	"context"
	"errors"
	"log/slog"

	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/dtls"
	"github.com/parley-sip/parley/internal/ice"
	"github.com/parley-sip/parley/internal/media"
	"github.com/parley-sip/parley/internal/sdp"
)

// Keying says how media of participants get their keys and their way, where [Config].Security lets them be protected.
type Keying struct {
	// DTLS takes keys made by a handshake (RFC 5763), and offers them where keys in the description would be read by everybody.
	DTLS bool
	// PreferDTLS offers them always.
	PreferDTLS bool
	// Opportunistic offers keys in RTP/AVP where Security is optional, so that who knows of them is protected (RFC 8643), and takes them
	// there.
	Opportunistic bool
	// ICE says whether participants may look for a way to us (RFC 8445), which does not depend on Security.
	ICE ICE
}

// ICE says where it is agreed on.
type ICE uint8

// Uses of ICE.
const (
	ICEDisabled ICE = iota
	ICEAnswered     // for who offers it
	ICEOffered      // in offers of ours, too
)

// ways are the credentials of ICE of both ends of a call.
type ways struct {
	local  ice.Credentials // zero: not needed yet
	remote sdp.ICE         // that local belongs to; others are a restart (RFC 8445, section 9)
}

// keying brings what is needed for handshakes and checks to a description; offer is what is answered, nil for an offer of ours.
func (c *controller) keying(p *participant, offer *sdp.Description, stream *sdp.LocalStream) {
	cfg := p.settings.Keying
	stream.Opportunistic = cfg.Opportunistic
	if cfg.DTLS && stream.Security != sdp.SecurityNone && c.handshakes(p, offer, stream) {
		stream.DTLS.Fingerprint = sdp.Fingerprint(p.certificate.Fingerprint())
		if p.stream.DTLS != nil {
			stream.DTLS.Setup = p.stream.DTLS.Setup
		}
		if offer == nil && cfg.PreferDTLS && p.stream.Protection == nil {
			stream.Keys = nil
		}
	}
	if cfg.ICE == ICEDisabled {
		return
	}
	if offered := credentials(offer); offered != (sdp.ICE{}) && offered != p.ways.remote {
		if p.ways.remote != (sdp.ICE{}) || p.ways.local == (ice.Credentials{}) {
			p.ways.local = ice.NewCredentials()
		}
		p.ways.remote = offered
	}
	stream.OfferICE = p.stream.ICE != (sdp.ICE{}) || cfg.ICE == ICEOffered && p.local == nil
	if stream.OfferICE && p.ways.local == (ice.Credentials{}) {
		p.ways.local = ice.NewCredentials()
	}
	stream.ICE = sdp.ICE(p.ways.local)
}

// handshakes tells whether a description may need the participant's certificate, and makes it when it first does: of this call alone
// (RFC 5763, section 6.1).
func (c *controller) handshakes(p *participant, offer *sdp.Description, stream *sdp.LocalStream) bool {
	needed := stream.Security == sdp.SecurityRequired || stream.Opportunistic
	if offer != nil {
		needed = false
		for i := range offer.Media {
			needed = needed || len(offer.Fingerprints(i)) > 0
		}
	}
	if !needed || p.certificate != nil {
		return needed
	}
	made, err := dtls.NewCertificate()
	if err != nil {
		c.log.Error("no certificate for a call", slog.Any("error", err))
		return false
	}
	p.certificate = made
	return true
}

// credentials are those of the first stream that has some.
func credentials(d *sdp.Description) sdp.ICE {
	if d == nil {
		return sdp.ICE{}
	}
	for i := range d.Media {
		if found := d.ICEOf(i); found != (sdp.ICE{}) && d.Media[i].IsAudio() {
			return found
		}
	}
	return sdp.ICE{}
}

// keyed adds to the parameters of a media session what was agreed on about handshake and checks.
func (c *controller) keyed(params *media.Params, p *participant, stream *sdp.Stream) {
	if stream.DTLS != nil {
		params.DTLS = &media.Handshake{Certificate: p.certificate, Client: stream.DTLS.Setup == sdp.SetupActive}
		for _, f := range stream.DTLS.Peer {
			params.DTLS.Peer = append(params.DTLS.Peer, dtls.Fingerprint(f))
		}
	}
	if stream.ICE != (sdp.ICE{}) {
		params.ICE = &media.ICE{Local: p.ways.local, Remote: ice.Credentials(stream.ICE)}
	}
}

// listenForKeys has handshakes that fail told.
func (c *controller) listenForKeys(p *participant) {
	at := c.legOf(p)
	p.session.OnSecured(func(err error) {
		if err != nil { // it must not wait: the controller may be about to close that handshake
			c.focus.spawn(func(context.Context) { c.post(unsecured{leg: at, err: err}) })
		}
	})
}

// unsecured is a handshake that has failed.
type unsecured struct {
	leg leg
	err error
}

// handle ends the call of somebody who has proved to be another than its description says, or with whom there are no keys: nothing of it
// could be heard. Keys that were there before another handshake go on.
func (m unsecured) handle(c *controller) {
	p := m.leg.find()
	if p == nil || p.session == nil {
		return
	}
	kept := !errors.Is(m.err, dtls.ErrFingerprint) && p.session.Stats().Protected
	c.log.Warn("handshake of media has failed", slog.String("participant", string(p.id)), slog.Bool("keeps_keys", kept), slog.Any("error", m.err))
	if kept {
		return
	}
	reason := reasonHeader(488, "No keys for SRTP")
	switch {
	case c.successors[p.id] == p:
		if p.dialog != nil {
			c.hangUp(p.dialog, reason)
		}
		c.discard(p, m.err)
	case !p.bridged:
		p.hangUp = true
		_ = c.step(conference.Failure{ID: p.id, Reason: reason})
	default:
		_ = c.step(conference.EjectParticipant{ID: p.id, Reason: reason})
	}
}
