package focus

import (
	"context"
	"errors"
	"log/slog"

	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/sipua"
	"github.com/parley-sip/parley/siprec"
)

// A recorder may begin a recording session itself (RFC 7866, sections 6.1.1 and 7.2): its INVITE names the conference, our offer goes into
// the 200, and its answer comes in the ACK. What is recorded, who is told and what is measured are the same as of a session that we begin;
// but when such a recorder ends it, it has ended what it wanted, and it is not called back.

// errNoRecorder refuses to be recorded by a stranger.
var errNoRecorder = errors.New("no recording server that may begin to record")

// isRecorderCall tells whether an INVITE asks for a recording session: it takes the option tag and the feature tag (RFC 7866, section 6.1.1).
// Everything else is a call.
func isRecorderCall(request *sipua.Request) bool {
	return calledByRecorder(request) &&
		(request.Headers.Contains("Require", siprec.OptionTag) || request.Headers.Contains("Supported", siprec.OptionTag))
}

// calledByRecorder tells whether who calls says that he is a recorder.
func calledByRecorder(request *sipua.Request) bool {
	contact, ok := request.Contact()
	return ok && request.Method == methodInvite && request.To.Tag() == "" && contact.Params.Has(siprec.FeatureTagServer)
}

// recorderCalls answers a recorder that wants to record a conference.
func (f *Focus) recorderCalls(call *sipua.IncomingCall) {
	request := call.Request()
	m, c, err := f.admitRecorder(call)
	if err == nil {
		answer := <-m.reply
		if err = answer.err; err == nil {
			f.answerRecorder(call, c, answer)
			return
		}
	}
	f.log.Warn("a recording server may not begin", slog.String("call_id", request.CallID), slog.String("source", request.Source.String()), slog.Any("error", err))
	_ = call.Reject(recorderRefusal(err)) // fails only when the caller has gone
}

// admitRecorder hands the call to the conference that it names, by its URI or by Join (RFC 3911). Errors: errExtension where nobody may begin,
// errNoRecorder, ErrNoConference and those of references.
func (f *Focus) admitRecorder(call *sipua.IncomingCall) (recorderCall, *controller, error) {
	request := call.Request()
	who := f.live().RecorderCalling
	if who == nil {
		return recorderCall{}, nil, errExtension
	}
	server, ok := f.pool.find(who(request))
	if !ok {
		return recorderCall{}, nil, errNoRecorder
	}
	contact, _ := request.Contact()
	server.URI = contact.URI.With("transport", request.Transport).String() // where the dialog is, whatever is configured
	id := conference.ID(request.URI.UserPart())
	switch named, at, found, err := f.refersTo(request); {
	case err != nil:
		return recorderCall{}, nil, err
	case found && named.replaces:
		return recorderCall{}, nil, errReference
	case found:
		id = at.controller.id
	}
	m := recorderCall{request: request, server: server, reply: make(chan recorderAnswer, 1)}
	c, err := f.send(context.Background(), id, false, m)
	return m, c, err
}

// errExtension: nobody may begin to record.
var errExtension = errors.New("recording servers do not begin sessions here")

// recorderRefusal is the response to a recorder that gets nothing.
func recorderRefusal(err error) *sipua.Response {
	var refused *recorderError
	switch {
	case errors.As(err, &refused):
		return refused.response
	case errors.Is(err, errExtension):
		return sipua.NewResponse(420, sipua.Header{Name: "Unsupported", Value: siprec.OptionTag}) // RFC 3261, section 8.2.2.3
	case errors.Is(err, errNoRecorder), errors.Is(err, conference.ErrRecordingPolicy), errors.Is(err, errUnprotected), errors.Is(err, errKeysInClear):
		return sipua.NewResponse(403)
	case errors.Is(err, conference.ErrNotActive):
		return sipua.NewResponse(480)
	default:
		return refusal(err)
	}
}

// recorderError is what the protocol answers instead of a 200.
type recorderError struct{ response *sipua.Response }

func (e *recorderError) Error() string { return "the request is no good" }

// answerRecorder makes the dialog.
func (f *Focus) answerRecorder(call *sipua.IncomingCall, c *controller, answer recorderAnswer) {
	r := answer.recorder
	handler := &recorderHandler{controller: c, recorder: r, made: make(chan struct{})}
	defer close(handler.made)
	dialog, err := call.Answer(context.Background(), answer.response, handler)
	switch {
	case err != nil:
		c.post(recorderEvent{r, siprec.TransportFailed{Reason: err.Error()}})
	case !c.post(recorderDialog{recorder: r, dialog: dialog}):
		_ = dialog.Bye(context.Background()) // the conference has ended, and the dialog is not known to it
	}
}

// recorderCall asks the controller to let a recorder record.
type recorderCall struct {
	request *sipua.Request
	server  Recorder
	reply   chan recorderAnswer // of capacity 1
}

// recorderAnswer is the 200 to send, or why not.
type recorderAnswer struct {
	recorder *recorder
	response *sipua.Response
	err      error
}

func (m recorderCall) handle(c *controller) {
	if c.machine.State().PresentCount() == 0 {
		m.reply <- recorderAnswer{err: conference.ErrNotActive}
		return
	}
	id := conference.RecordingID(shortName("r"))
	c.called[id] = m
	err := c.step(conference.Record{ID: id, Servers: []string{m.server.Name}, Called: true})
	if _, waits := c.called[id]; waits { // nobody has taken it
		delete(c.called, id)
		if err == nil {
			err = conference.ErrNotActive
		}
		m.reply <- recorderAnswer{err: err}
	}
}

// startCalled opens the session that a recorder has asked for.
func (c *controller) startCalled(r *conference.Recording, m recorderCall) {
	answer := recorderAnswer{}
	answer.recorder, answer.err = c.startSession(r, m.server, nil, true)
	if rec := answer.recorder; answer.err == nil {
		rec.sealing = c.sealing(rec)
		rec.reply = nil
		c.recorderStep(rec, siprec.PeerOffer{
			Method: m.request.Method, ContentType: m.request.Headers.Get("Content-Type"),
			Disposition: m.request.Headers.Get("Content-Disposition"), Body: m.request.Body,
		})
		switch answer.response = rec.reply; {
		case answer.response == nil:
			answer.err = conference.ErrNotActive
		case answer.response.Status >= 300:
			answer.err = &recorderError{answer.response}
		}
		if answer.err != nil {
			c.finish(rec)
		}
	}
	if answer.err != nil {
		// Not as a failure: nothing that anybody here relies on.
		_ = c.step(conference.Report{Recording: r.ID, Server: m.server.Name, State: conference.RecordingStopped, Error: answer.err.Error()})
	}
	m.reply <- answer
}
