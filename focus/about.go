package focus

import (
	"fmt"
	"slices"
	"strings"

	"github.com/parley-sip/parley/confevent"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/sipua"
)

// About is what conference events say of a conference beside its roster (RFC 4575, sections 5.3 and 5.4). Empty fields are left out.
type About struct {
	Subject  string
	Text     string // a description for people
	Keywords []string
	Services []Service
	Host     Host
}

// Service is something that belongs to a conference (RFC 4575, section 5.3.2).
type Service struct {
	URI     string
	Purpose string // web-page, recording or event
	Name    string
}

// Host is who offers a conference (RFC 4575, section 5.4).
type Host struct {
	Name    string
	WebPage string
	URIs    []string
}

// RosterPolicy says who is told of the roster of a conference, and what.
type RosterPolicy struct {
	Subscribers SubscribersFrom
	// HideAnonymous leaves those who have asked for privacy out of what ordinary subscribers get, instead of showing them under a name that
	// tells nothing; they are counted all the same (RFC 4353, section 4.4).
	HideAnonymous bool
	// HideCalls keeps the identifiers of calls from moderators, too; nobody else ever gets them (RFC 4575, section 5.7.9).
	HideCalls bool
	Sidebars  SidebarsShown
	// Polite shows those who may not subscribe a conference with nobody in it, instead of refusing them: a refusal tells that there is something
	// to be kept from them (RFC 6665, section 6.2).
	Polite   bool
	Cascades Cascades
	// Secure takes subscriptions by TLS only (RFC 4575, section 8.1).
	Secure bool
}

// SubscribersFrom says who may subscribe to conference events (RFC 4575, section 3.5).
type SubscribersFrom uint8

// Who may subscribe, of those whom the agent lets in at all. Participants and moderators may for as long as they are that; who is at the door, or
// being called, is told nothing until he is in.
const (
	SubscribersAll SubscribersFrom = iota
	SubscribersParticipants
	SubscribersModerators
)

// purposes are the values that the registry knows (RFC 4575, section 5.3.2).
//
//nolint:gochecknoglobals // a table
var purposes = []string{confevent.PurposeWebPage, confevent.PurposeRecording, confevent.PurposeEvent}

// check refuses what conference documents cannot hold. Error: ErrInvalid.
func (a *About) check() error {
	seen := map[string]bool{}
	for _, s := range a.Services {
		switch {
		case s.URI == "" || seen[s.URI]:
			return fmt.Errorf("%w: service %q is empty or there twice", ErrInvalid, s.URI)
		case !slices.Contains(purposes, s.Purpose):
			return fmt.Errorf("%w: purpose %q of a service, want one of %s", ErrInvalid, s.Purpose, strings.Join(purposes, ", "))
		}
		seen[s.URI] = true
	}
	return nil
}

// description is conference-description (RFC 4575, section 5.3).
func (a *About) description(s *conference.State) *confevent.Description {
	d := &confevent.Description{
		DisplayText: s.Name, Subject: a.Subject, FreeText: a.Text, Keywords: a.Keywords,
		ConfURIs:       []confevent.URI{{URI: s.URI, Purpose: confevent.PurposeParticipation}},
		AvailableMedia: availableMedia(s),
	}
	for _, v := range a.Services {
		d.ServiceURIs = append(d.ServiceURIs, confevent.URI{URI: v.URI, Purpose: v.Purpose, DisplayText: v.Name})
	}
	if s.MaxParticipants > 0 {
		d.MaximumUserCount = uint32(s.MaxParticipants) //nolint:gosec // a limit of participants
	}
	return d
}

// availableMedia are the media that are mixed (RFC 4575, section 5.3.4).
func availableMedia(s *conference.State) []confevent.Medium {
	list := []confevent.Medium{{Label: mediaLabel, Type: audioType, Status: confevent.SendRecv}}
	if s.Rules.Text {
		list = append(list, confevent.Medium{Label: textLabel, Type: textType, Status: confevent.SendRecv})
	}
	return list
}

// host is host-info (RFC 4575, section 5.4), nil if there is nothing to say.
func (a *About) host() *confevent.Host {
	if a.Host.Name == "" && a.Host.WebPage == "" && len(a.Host.URIs) == 0 {
		return nil
	}
	h := &confevent.Host{DisplayText: a.Host.Name, WebPage: a.Host.WebPage}
	for _, uri := range a.Host.URIs {
		h.URIs = append(h.URIs, confevent.URI{URI: uri})
	}
	return h
}

// languages are the tags of Accept-Language in order, without their weights (RFC 4575, section 5.6.4).
func languages(h sipua.Headers) string {
	var tags []string
	for _, v := range h.List("Accept-Language") {
		tag, _, _ := strings.Cut(v, ";")
		if tag = strings.TrimSpace(tag); tag != "" && tag != "*" && len(tags) < maxLanguages {
			tags = append(tags, tag)
		}
	}
	return strings.Join(tags, " ")
}

// maxLanguages is how many of them the roster tells.
const maxLanguages = 8
