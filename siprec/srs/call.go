package srs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/internal/sipua"
	"github.com/parley-sip/parley/siprec"
)

// discarded is the end reason of a recording whose INVITE came to nothing.
const discarded = "discarded"

// Invite takes a recording session or refuses what is none.
func (s *Server) Invite(call *sipua.IncomingCall) {
	request := call.Request()
	refusal := s.cfg.admit(request)
	var r *recording
	var answer *sipua.Response
	if refusal == nil {
		r, answer, refusal = s.begin(request)
	}
	if refusal != nil {
		s.totals.refused.Add(1)
		s.cfg.Logger.Info("recording session refused",
			slog.String("from", request.From.URI.String()), slog.Int("status", refusal.Status), slog.String("warning", refusal.Headers.Get("Warning")))
		if err := call.Reject(refusal); err != nil {
			s.cfg.Logger.Debug("refusal not sent", slog.Any("error", err))
		}

		return
	}
	dialog, err := call.Answer(context.Background(), answer, (*leg)(r))
	if err != nil {
		s.cfg.Logger.Info("recording session not established", slog.Any("error", err))
		r.finish(discarded, StateInterrupted)

		return
	}
	r.post(func() {
		r.dialog = dialog
		r.announce()
	})
}

// begin makes a recording for an INVITE, with its answer, or says why not.
func (s *Server) begin(request *sipua.Request) (*recording, *sipua.Response, *sipua.Response) {
	offer, d, refusal := read(request)
	if refusal == nil && offer == nil {
		refusal = warned(488, "no SDP offer")
	}
	if refusal == nil {
		refusal = s.cfg.strict(request, offer, d)
	}
	if refusal != nil {
		return nil, nil, refusal
	}
	if !s.keeper.look() {
		return nil, nil, unavailable("disk full")
	}
	if s.keeper.resting(time.Now()) {
		return nil, nil, unavailable("cannot write")
	}
	r, err := s.newRecording(request)
	if err != nil {
		s.cfg.Logger.Error("recording cannot begin", slog.Any("error", err))
		s.keeper.alarm(Alarm{Name: AlarmWrite, Active: true, Detail: err.Error()})

		return nil, nil, warned(500, "cannot record")
	}
	if err := s.add(r); err != nil {
		r.remove()

		return nil, nil, unavailable(err.Error())
	}
	go r.run()
	var response *sipua.Response
	r.do(func() { response = r.negotiate(request, offer, d) })
	if response.Status >= 300 {
		r.finish(discarded, StateInterrupted)

		return nil, nil, response
	}

	return r, response, nil
}

// read finds the offer and the metadata of a request, nil for what it has not, or the refusal.
func read(request *sipua.Request) (*sdp.Description, *document, *sipua.Response) {
	content, err := siprec.ParseContent(request.Headers.Get("Content-Type"), request.Headers.Get("Content-Disposition"), request.Body)
	if err != nil {
		return nil, nil, refuse(err)
	}
	d, err := readDocument(content.Metadata)
	if err != nil {
		return nil, nil, refuse(err)
	}
	if content.SDP == nil {
		return nil, d, nil
	}
	offer, err := sdp.Parse(content.SDP)
	if err != nil {
		return nil, nil, refuse(err)
	}

	return &offer, d, nil
}

// refuse is the response to a body, an offer or a document that cannot be taken.
func refuse(err error) *sipua.Response {
	switch {
	case errors.Is(err, siprec.ErrMediaType):
		return sipua.NewResponse(415).WithHeader("Accept", "application/sdp, multipart/mixed, "+siprec.MetadataType+", "+siprec.MetadataTypeOld)
	case errors.Is(err, siprec.ErrTooLarge):
		return sipua.NewResponse(413)
	case errors.Is(err, siprec.ErrMultipart):
		return warned(400, "malformed multipart body")
	case errors.Is(err, siprec.ErrSyntax), errors.Is(err, siprec.ErrNamespace), errors.Is(err, siprec.ErrID):
		return warned(400, "malformed recording metadata")
	case errors.Is(err, sdp.ErrMalformed):
		return warned(400, "malformed session description")
	case errors.Is(err, ErrNoPorts):
		return sipua.NewResponse(503).WithHeader("Retry-After", "10")
	}
	w := sdp.WarningFor(err)

	return sipua.NewResponse(488).WithHeader("Warning", fmt.Sprintf("%03d srs %q", w.Code, w.Text))
}

// negotiate takes a request with an offer, metadata or both, and makes the response.
func (r *recording) negotiate(request *sipua.Request, offer *sdp.Description, d *document) *sipua.Response {
	now := time.Now()
	r.offered = nil
	var p *proposal
	var labels []string
	if offer != nil {
		var err error
		if p, err = r.propose(*offer, d); err != nil {
			return refuse(err)
		}
		labels = labelsOf(*offer)
	}
	if d != nil {
		r.fault(r.merge(d, request.Method, labels, now))
	}
	response := sipua.NewResponse(200).WithHeader("Contact", r.contact(request))
	if p != nil {
		r.fault(r.adopt(p, now))
		response = response.WithBody("application/sdp", p.plan.Answer.Marshal())
	}
	for _, s := range r.streams {
		if s.until.IsZero() { // else another stream may have its label by now, and others in it
			r.identify(s.report)
		}
		r.fault(r.keep(s))
	}

	return response
}

// labelsOf lists the labels of the m-lines that are in use, in their order.
func labelsOf(d sdp.Description) []string {
	labels := make([]string, 0, len(d.Media))
	for _, m := range d.Media {
		if m.Port != 0 {
			labels = append(labels, m.Label)
		}
	}

	return labels
}

// contact is our address with the feature tag of a recording server (RFC 7866, section 6.2).
func (r *recording) contact(request *sipua.Request) string {
	uri := r.server.agent.Contact(request.URI.User, request.Transport)
	if !r.server.external() {
		uri.Host = r.local.Address.String()
	}

	return sipua.Address{URI: uri}.With(siprec.FeatureTagServer, "").String()
}

// A leg is a recording as its dialog sees it.
type leg recording

// Ack takes the answer to an offer of ours.
func (l *leg) Ack(request *sipua.Request) {
	r := (*recording)(l)
	r.post(func() { r.answered(request) })
}

// Offer takes a re-INVITE or an UPDATE: an offer, metadata, both, or neither.
func (l *leg) Offer(request *sipua.Request) *sipua.Response {
	r := (*recording)(l)
	offer, d, refusal := read(request)
	if refusal == nil {
		refusal = r.cfg.strict(request, offer, d)
	}
	if refusal != nil {
		return refusal
	}
	response := sipua.NewResponse(481)
	r.do(func() {
		if r.ending {
			return
		}
		response = r.negotiate(request, offer, d)
		if response.Status < 300 && offer == nil && request.Method == "INVITE" {
			response = r.offer(response)
		}
		if response.Status < 300 && (offer != nil || d != nil) {
			r.changed()
		}
	})

	return response
}

// Request leaves other requests to the agent.
func (l *leg) Request(*sipua.Request) *sipua.Response { return nil }

// Ended completes the recording. A BYE may carry the last metadata (RFC 8068, section 3.2.4).
func (l *leg) Ended(reason sipua.EndReason) {
	r := (*recording)(l)
	r.post(func() {
		if bye := reason.Request; bye != nil && len(bye.Body) > 0 {
			r.fault(r.keepSeal(bye))
			if _, d, refusal := read(bye); refusal == nil && d != nil {
				r.fault(r.merge(d, bye.Method, nil, time.Now()))
			}
		}
		switch reason.Cause {
		case sipua.EndRemote:
			r.end("bye", StateFinished)
		case sipua.EndLocal:
			r.end("ended by recorder", StateFinished)
		case sipua.EndShutdown:
			r.end("shutdown", StateFinished)
		case sipua.EndNoACK, sipua.EndRefused, sipua.EndExpired:
			r.end(reason.Cause.String(), StateInterrupted)
		}
	})
}

// offer puts our own offer into the response to a re-INVITE without one: what goes on already.
func (r *recording) offer(response *sipua.Response) *sipua.Response {
	local := r.local
	local.Previous = r.answer
	local.ByPosition = true
	local.Streams = make([]sdp.LocalStream, len(r.slots))
	for i, s := range r.slots {
		if s == nil {
			continue
		}
		local.Streams[i] = sdp.LocalStream{
			Port: s.pair.port(), Codecs: r.codecsOf(s), Events: true, ComfortNoise: !r.cfg.NoComfortNoise,
			Direction: sdp.RecvOnly, Label: s.report.Label, PacketTime: r.cfg.packetTime(s.receiver.codec),
		}
		if s.receiver.text != nil {
			local.Streams[i].Text = localText()
		}
		if s.report.State == StatePaused {
			local.Streams[i].Direction = sdp.Inactive
		}
	}
	r.secure(&local, nil)
	offered := sdp.Offer(local)
	r.offered = &offered

	return response.WithBody("application/sdp", offered.Marshal())
}

// answered takes the answer to our offer.
func (r *recording) answered(request *sipua.Request) {
	offered := r.offered
	if offered == nil || len(request.Body) == 0 {
		return // the ACK of another re-INVITE
	}
	r.offered = nil
	description, _, refusal := read(request)
	if refusal != nil || description == nil {
		return
	}
	plan, err := sdp.Accept(*offered, *description)
	if err != nil {
		r.logger.Info("unusable answer to our offer", slog.Any("error", err))

		return
	}
	plan.Answer = *offered // what we sent last
	r.fault(r.adopt(&proposal{plan: plan}, time.Now()))
	r.changed()
}

var (
	_ sipua.DialogHandler = (*leg)(nil)
	_ sipua.Handler       = (*Server)(nil)
)

// codecsOf puts the codec of a stream first, so that its file can go on.
func (r *recording) codecsOf(s *stream) []codecs.Codec {
	rest := slices.DeleteFunc(slices.Clone(r.cfg.Codecs), func(c codecs.Codec) bool { return c == s.receiver.codec })

	return append([]codecs.Codec{s.receiver.codec}, rest...)
}
