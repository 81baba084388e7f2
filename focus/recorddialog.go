package focus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/sipua"
	"github.com/parley-sip/parley/siprec"
)

// recorderContact is our Contact in a recording session of a conference with a server (RFC 7866, section 6.1.1).
func (f *Focus) recorderContact(id conference.ID, server Recorder) sipua.Address {
	uri, _ := sipua.ParseURI(server.URI) // without transport, if it is none
	return sipua.Address{URI: f.contactURI(id, uri.Param("transport"))}.With(siprec.FeatureTag, "")
}

// messageHeaders are the header fields of a message, with the disposition of its body.
func messageHeaders(m siprec.Message) sipua.Headers {
	var h sipua.Headers
	for _, field := range m.Headers {
		h = append(h, sipua.Header{Name: field.Name, Value: field.Value})
	}
	if m.Disposition != "" {
		h = append(h, sipua.Header{Name: "Content-Disposition", Value: m.Disposition})
	}
	return h
}

// inviteRecorder begins the dialog with the server.
func (c *controller) inviteRecorder(r *recorder, m siprec.Message) {
	agent := c.focus.agent.Load()
	target, err := sipua.ParseURI(r.server.URI)
	if err != nil || agent == nil {
		c.later(0, recorderEvent{r, siprec.TransportFailed{Exchange: m.Exchange, Reason: fmt.Sprintf("cannot call %q", r.server.URI)}})
		return
	}
	call := sipua.OutgoingCall{
		To:      sipua.Address{URI: target},
		From:    sipua.Address{URI: c.focus.conferenceURI(c.id), Name: c.machine.State().Name},
		Contact: c.focus.recorderContact(c.id, r.server), Headers: messageHeaders(m), ContentType: m.ContentType, Body: m.Body,
		Trunk: c.focus.recorderWay(r.server, r.security, c.secret()), Prompt: true,
	}
	handler := &recorderHandler{controller: c, recorder: r}
	c.sealUp(r)
	r.sealing = c.sealing(r)
	r.sealing.note(m)
	r.canceled = false
	c.background(func(ctx context.Context) message {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		if !c.post(invitingRecorder{recorder: r, cancel: cancel}) {
			return nil
		}
		dialog, response, err := agent.Invite(ctx, call, handler)
		if ctx.Err() != nil && dialog == nil {
			c.undelivered(r, "INVITE", err)
		}
		return recorderDialog{recorder: r, dialog: dialog, event: outcome(m.Exchange, response, err)}
	})
}

// invitingRecorder hands over how to take the INVITE back.
type invitingRecorder struct {
	recorder *recorder
	cancel   context.CancelFunc
}

func (m invitingRecorder) handle(*controller) {
	m.recorder.inviting = m.cancel
	if m.recorder.canceled {
		m.cancel()
	}
}

// recorderDialog is the outcome of the INVITE to a server.
type recorderDialog struct {
	recorder *recorder
	dialog   *sipua.Dialog
	event    siprec.Event
}

func (m recorderDialog) handle(c *controller) {
	r := m.recorder
	r.inviting = nil
	r.agreement.concluded(m.event)
	if m.dialog != nil && r.over {
		c.hangUp(m.dialog, "")
		return
	}
	r.dialog, r.after = m.dialog, 0
	if m.event == nil { // the recorder has begun, its answer comes in the ACK
		if r.sealing != nil {
			r.sealing.manifest.CallID = m.dialog.ID().CallID
		}
		return
	}
	if m.dialog != nil && r.sealing != nil {
		r.sealing.manifest.CallID = m.dialog.ID().CallID
	}
	if a, ok := m.event.(siprec.Answered); ok {
		r.after = a.RetryAfter
	}
	c.recorderStep(r, m.event)
}

// requestRecorder sends a request in the dialog; what it reports about the capture is true by then.
func (c *controller) requestRecorder(r *recorder, m siprec.Message,
	send func(*sipua.Dialog, context.Context, sipua.Body) (*sipua.Response, error),
) {
	dialog, applied := r.dialog, c.applied
	if dialog == nil {
		c.later(0, recorderEvent{r, siprec.TransportFailed{Exchange: m.Exchange, Reason: "no dialog"}})
		return
	}
	r.sealing.note(m)
	body := sipua.Body{ContentType: m.ContentType, Data: m.Body, Headers: messageHeaders(m)}
	c.background(func(ctx context.Context) message {
		select {
		case <-applied:
		case <-ctx.Done():
		}
		ctx, cancel := c.focus.patient(ctx, recorderPatience)
		defer cancel()
		event, ok := ask(ctx.Done(), func() siprec.Event {
			response, err := send(dialog, ctx, body)
			return outcomeWithin(m.Exchange, response, err)
		})
		if o, was := event.(takenBack); was {
			return recorderTakenBack{r, dialog, o}
		}
		if !ok {
			event = siprec.TimedOut{Exchange: m.Exchange}
		}
		if _, lost := event.(siprec.TimedOut); lost {
			c.undelivered(r, "metadata", context.Cause(ctx))
		}
		return recorderEvent{r, event}
	})
}

// endRecorderDialog sends the BYE after the last packet, with the seal of all that was sent. In a drain it is patient for a while only. Its answer
// tells of streams that have ended whether the server was there.
func (c *controller) endRecorderDialog(r *recorder, m siprec.Message, while time.Duration, ended *farewell) {
	dialog, applied := r.dialog, c.applied
	r.dialog = nil
	if dialog == nil {
		c.sealUp(r)
		if ended != nil {
			ended.handle(c)
		}
		return
	}
	sealed, believed := r.sealing, !r.proof.silent
	r.sealing = nil
	if !believed && !r.warned {
		c.undelivered(r, "metadata", errUnanswered)
	}
	c.background(func(ctx context.Context) message {
		select {
		case <-applied:
		case <-ctx.Done():
		}
		ctx, cancel := context.WithTimeout(ctx, byeTimeout)
		defer cancel()
		ctx, release := c.focus.patient(ctx, while)
		defer release()
		last := sealed.seal(c.focus, m, dialog.ID().CallID, r.server.Profile.OmitSeal)
		err := dialog.ByeWith(ctx, byeBody(last))
		if err != nil {
			c.undelivered(r, "BYE", err)
		}
		if ended == nil {
			return nil
		}
		ended.answered = err == nil && believed
		return ended
	})
}

// recorderEvent is something that happened to a recording session.
type recorderEvent struct {
	recorder *recorder
	event    siprec.Event
}

func (m recorderEvent) handle(c *controller) {
	m.recorder.agreement.concluded(m.event)
	c.recorderStep(m.recorder, m.event)
}

// outcome is what became of a request to a server, in the terms of the protocol.
func outcome(exchange uint32, response *sipua.Response, err error) siprec.Event {
	var refused *sipua.StatusError
	switch {
	case errors.As(err, &refused):
		response = refused.Response
	case errors.Is(err, sipua.ErrTimeout), errors.Is(err, context.DeadlineExceeded):
		return siprec.TimedOut{Exchange: exchange}
	case errors.Is(err, sipua.ErrGlare):
		return siprec.Answered{Exchange: exchange, Status: 491}
	case errors.Is(err, context.Canceled):
		return siprec.Answered{Exchange: exchange, Status: statusCanceled}
	case err != nil || response == nil:
		return siprec.TransportFailed{Exchange: exchange, Reason: fmt.Sprint(err)}
	}
	a := siprec.Answered{
		Exchange: exchange, Status: response.Status, Reason: response.Reason,
		ContentType: response.Headers.Get("Content-Type"), Body: response.Body, Accept: response.Headers.List("Accept"),
	}
	if response.Headers.Has("Allow") {
		a.Allow = response.Headers.List("Allow")
	}
	if seconds, err := strconv.Atoi(response.Headers.Get("Retry-After")); err == nil && seconds > 0 {
		a.RetryAfter = time.Duration(seconds) * time.Second
	}
	return a
}

// recorderReport passes on what the server has acknowledged.
func (c *controller) recorderReport(r *recorder, a siprec.Report) {
	if h := c.focus.hooks.RecordingChanged; h != nil && a.State != r.state {
		old := ""
		if r.state != siprec.StateIdle {
			old = r.state.String()
		}
		h(r.server.Name, old, a.State.String())
	}
	r.state = a.State
	if a.State == siprec.StateRecording || a.State == siprec.StatePaused {
		r.judged = true
		c.focus.pool.began(r.server.Name, time.Now())
	}
	if a.State == siprec.StateRecording && len(r.texts) > 0 { // text may have been refused before there was a session
		c.refusedText(r)
	}
	states := map[siprec.State]conference.RecordingState{
		siprec.StateConnecting: conference.RecordingStarting, siprec.StateRecording: conference.RecordingActive,
		siprec.StatePaused: conference.RecordingPaused, siprec.StateFailed: conference.RecordingFailed,
		siprec.StateStopped: conference.RecordingStopped,
	}
	state, ok := states[a.State]
	if !ok {
		return
	}
	over := a.State == siprec.StateStopped || a.State == siprec.StateFailed && !a.Retry
	report := conference.Report{
		Recording: r.recording, Server: r.server.Name, State: state, SessionID: c.session.Text(), Retrying: a.Retry,
	}
	if a.State == siprec.StateFailed {
		if c.news(r) {
			c.desire(r)
		}
		report.Error = a.Reason
		r.gaveUp = !a.Retry
		c.later(seekInterval, seek{r})
		if c.hasOthers(r) || c.spools(r.recording) && !c.stopping(r) { // one of which may come back
			over, report.Retrying = false, true
		}
	}
	if over {
		c.finish(r)
	}
	if a.State == siprec.StateFailed { // the spool takes over before anybody is told of a failure, and leaves after the recovery
		c.reportSpool(r.recording)
	}
	_ = c.step(report)
	c.reportSpool(r.recording)
}

// recorderAlarm is for the operator.
func (c *controller) recorderAlarm(r *recorder, a siprec.Alarm) {
	switch _, lent := r.client.(*lease); {
	case lent && a.Kind == siprec.AlarmTextRefused: // the operator has heard of it already, once for all recordings
		c.refusedText(r)
		return
	case lent && a.Kind != siprec.AlarmSilent:
		c.leaseAlarm(r, a)
		return
	}
	c.log.Warn("recording server", slog.String("server", r.server.Name), slog.String("alarm", a.Kind.String()),
		slog.Int("status", a.Status), slog.String("detail", a.Detail))
	if h := c.focus.hooks.RecordingFailure; h != nil {
		h(r.server.Name, a.Kind.String())
	}
	switch a.Kind {
	case siprec.AlarmRefused, siprec.AlarmNotRecorder, siprec.AlarmBadAnswer, siprec.AlarmLost, siprec.AlarmEnded, siprec.AlarmUnkeyed:
		r.judged = true
		c.focus.pool.failed(r.server.Name, r.after, time.Now())
		c.lose(r)
		c.moveCopy(r, strings.TrimSpace(a.Kind.String()+" "+a.Detail))
	case siprec.AlarmStreamsRefused:
		c.fallBack(r)
	case siprec.AlarmTextRefused, siprec.AlarmStreamsDropped:
		c.refusedText(r)
	case siprec.AlarmUpdateRefused, siprec.AlarmSilent, siprec.AlarmUnprotected:
	}
}

// recorderHandler brings what happens in the dialog with a server into the mailbox.
type recorderHandler struct {
	controller *controller
	recorder   *recorder
	made       chan struct{} // closed when the controller has the dialog; nil: it will have it before anything can come
}

// Ack has the answer to an offer that an INVITE or a re-INVITE of the server asked for.
func (h *recorderHandler) Ack(request *sipua.Request) {
	if h.made != nil {
		<-h.made
	}
	h.controller.post(recorderEvent{h.recorder, siprec.PeerAck{ContentType: request.Headers.Get("Content-Type"), Body: request.Body}})
}

// Offer answers a re-INVITE or UPDATE of the server (RFC 7866, section 7.2).
func (h *recorderHandler) Offer(request *sipua.Request) *sipua.Response {
	h.recorder.agreement.await(request)
	m := recorderRequest{recorder: h.recorder, reply: make(chan *sipua.Response, 1), event: peerOffer(request)}
	if !h.controller.post(m) {
		return sipua.NewResponse(481)
	}
	return <-m.reply
}

// Accepts implements sipua.BodyAccepter: a recorder may ask for a snapshot (RFC 7866, section 9.2), under either name of the type.
func (h *recorderHandler) Accepts() []string {
	return []string{sdpType, "multipart/mixed", siprec.MetadataType, siprec.MetadataTypeOld, "application/rs-metadata-request"}
}

// Request refuses everything else.
func (h *recorderHandler) Request(*sipua.Request) *sipua.Response { return nil }

// Ended reports that the server has gone; our own BYE is no news.
func (h *recorderHandler) Ended(reason sipua.EndReason) {
	if event := peerEnd(reason); event != nil {
		h.controller.post(recorderEvent{h.recorder, event})
	}
}

// peerOffer is a re-INVITE or UPDATE of a server to the protocol.
func peerOffer(request *sipua.Request) siprec.PeerOffer {
	return siprec.PeerOffer{
		Method: request.Method, ContentType: request.Headers.Get("Content-Type"),
		Disposition: request.Headers.Get("Content-Disposition"), Body: request.Body,
	}
}

// peerEnd is the end of a dialog to the protocol; nil: it was our own.
func peerEnd(reason sipua.EndReason) siprec.Event {
	switch reason.Cause {
	case sipua.EndRemote:
		text := ""
		if reason.Request != nil {
			text = reason.Request.Headers.Get("Reason")
		}
		return siprec.PeerBye{Reason: text}
	case sipua.EndNoACK, sipua.EndRefused, sipua.EndExpired, sipua.EndShutdown:
		return siprec.TransportFailed{Reason: reason.Cause.String()}
	case sipua.EndLocal:
	}
	return nil
}

// recorderRequest is an offer of the server, with its transaction waiting for the answer.
type recorderRequest struct {
	recorder *recorder
	event    siprec.PeerOffer
	reply    chan *sipua.Response // of capacity 1
}

func (m recorderRequest) handle(c *controller) {
	m.recorder.reply = nil
	c.recorderStep(m.recorder, m.event)
	response := m.recorder.reply
	if response == nil {
		response = sipua.NewResponse(481)
	}
	m.reply <- response
}

// recorderResponse is an answer of the protocol as a SIP response. Its Contact says what we are, as that of our requests (RFC 7866, section
// 6.1.1).
func recorderResponse(a siprec.AnswerPeer, contact sipua.Address) *sipua.Response {
	response := sipua.NewResponse(a.Status, messageHeaders(a.Message)...)
	if a.Status < 300 {
		response.WithHeader("Contact", contact.String())
	}
	if len(a.Body) > 0 {
		response.WithBody(a.ContentType, a.Body)
	}
	return response
}

var _ sipua.DialogHandler = (*recorderHandler)(nil)
