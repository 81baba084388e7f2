package focus

import (
	"strings"
	"time"

	"github.com/parley-sip/parley/confevent"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/internal/sipua"
)

// methodOptions asks what an INVITE would meet (RFC 3261, section 11).
const methodOptions = "OPTIONS"

// Request answers requests outside of dialogs: OPTIONS as an INVITE would be (RFC 3261, section 11.2), and REFER.
func (f *Focus) Request(request *sipua.Request) *sipua.Response {
	if _, _, err := readReference(request); err != nil {
		return refusal(err)
	}
	if sidebarOf(request) != "" {
		return refusal(errRefused)
	}
	id := conference.ID(request.URI.UserPart())
	switch request.Method {
	case methodOptions:
		if id == "" || f.isFactory(string(id)) {
			return f.capabilities(request, sipua.Address{})
		}
		if err := f.wouldAdmit(id); err != nil {
			return refusal(err)
		}
		contact := sipua.Address{URI: f.contactURI(id, request.Transport)}
		if _, err := f.lookup(id); err == nil || f.live().Dynamic && f.accessNumber(id) == nil {
			contact = contact.With("isfocus", "")
		}
		return f.capabilities(request, contact)
	case methodRefer:
		return f.refer(request)
	default:
		return nil
	}
}

// wouldAdmit is the error that an INVITE would meet now.
func (f *Focus) wouldAdmit(id conference.ID) error {
	f.mu.Lock()
	e, draining, full := f.entries[id], f.draining, f.full()
	f.mu.Unlock()
	if limit := f.live().Limits.Participants; draining || limit > 0 && f.talking.Load() >= int64(limit) {
		return ErrBusy
	}
	if e == nil {
		switch {
		case !f.live().Dynamic || !conferenceID.MatchString(string(id)):
			return ErrNoConference
		case full:
			return ErrBusy
		}
		return nil
	}
	s := f.current(e)
	switch {
	case s.Ended, s.ClosedAt(time.Now()):
		return ErrNoConference
	case time.Now().Before(s.Opens):
		return unopened(conference.ErrNotOpen, s)
	case s.Locked:
		return ErrLocked
	case s.MaxParticipants > 0 && len(s.Participants) >= s.MaxParticipants:
		return ErrFull
	}
	return nil
}

// capabilities is what the focus can do (RFC 4579, section 5.13). Allow and Supported are those of the agent.
func (f *Focus) capabilities(request *sipua.Request, contact sipua.Address) *sipua.Response {
	response := sipua.NewResponse(200, sipua.Header{Name: "Accept", Value: sdpType},
		sipua.Header{Name: "Accept-Language", Value: "en"}, sipua.Header{Name: "Allow-Events", Value: confevent.EventPackage})
	if !contact.URI.IsZero() {
		response.WithHeader("Contact", contact.String())
	}
	if acceptsSDP(request.Headers) && request.Local.IsValid() {
		d := sdp.Offer(sdp.Local{
			Address: request.Local.Addr().Unmap(), Session: 1, Version: 1,
			Streams: []sdp.LocalStream{{Port: 9, Codecs: f.live().Codecs, Events: true, Mux: true}},
		})
		response.WithBody(sdpType, d.Marshal())
	}
	return response
}

// acceptsSDP tells whether the sender would read a description.
func acceptsSDP(h sipua.Headers) bool {
	if !h.Has("Accept") {
		return true
	}
	for _, v := range h.List("Accept") {
		t, _, _ := strings.Cut(v, ";")
		switch strings.ToLower(strings.TrimSpace(t)) {
		case sdpType, "application/*", "*/*":
			return true
		}
	}
	return false
}
