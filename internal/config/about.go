package config

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// About is what conference events say of a conference beside its roster (RFC 4575, sections 5.3 and 5.4).
type About struct {
	Subject     string    `yaml:"subject"`
	Description string    `yaml:"description"`
	Keywords    []string  `yaml:"keywords"`
	Services    []Service `yaml:"services"`
	Host        *Host     `yaml:"host"` // nil: that of conference_defaults
}

// Service is something that belongs to a conference.
type Service struct {
	URI     string `yaml:"uri"`
	Purpose string `yaml:"purpose" accept:"web-page,recording,event"`
	Name    string `yaml:"name"`
}

// Host is who offers a conference.
type Host struct {
	Name    string   `yaml:"name"`
	WebPage string   `yaml:"web_page"`
	URIs    []string `yaml:"uris"`
}

// Roster says who is told who is in a conference.
type Roster struct {
	Subscribers string `yaml:"subscribers" accept:"anyone,participants,moderators"` // of those whom sip lets in
	Anonymous   string `yaml:"anonymous" accept:"masked,hidden"`                    // who has asked for privacy
	Calls       string `yaml:"calls" accept:"moderators,nobody"`                    // who is shown identifiers of calls
	Others      string `yaml:"others" accept:"refused,empty"`                       // who may not subscribe
	Transport   string `yaml:"transport" accept:"any,tls"`                          // of subscriptions
	Cascades    string `yaml:"cascades" accept:"none,called,all"`                   // focuses whose users are listed
	Sidebars    string `yaml:"sidebars" accept:"by-value,by-reference"`             // how documents tell of them
}

func (r *reader) checkAbout(key string, a *About) {
	for i, s := range a.Services {
		sub := fmt.Sprintf("%s.services[%d]", key, i)
		if u, err := url.Parse(s.URI); err != nil || u.Scheme == "" {
			r.fail(sub+".uri", "wants a URI, has %q", s.URI)
		} else if slices.ContainsFunc(a.Services[:i], func(o Service) bool { return o.URI == s.URI }) {
			r.fail(sub+".uri", "%s stands twice", s.URI)
		}
		if s.Purpose == "" {
			r.fail(sub+".purpose", "wants one of web-page, recording, event")
		}
	}
	for i, word := range a.Keywords {
		if strings.ContainsAny(word, " \t\r\n") || word == "" {
			r.fail(fmt.Sprintf("%s.keywords[%d]", key, i), "wants a word without spaces, has %q", word)
		}
	}
	r.checkHost(key+".host", a.Host)
}

func (r *reader) checkHost(key string, h *Host) {
	if h == nil {
		return
	}
	for i, text := range append([]string{h.WebPage}, h.URIs...) {
		if u, err := url.Parse(text); text == "" && i == 0 || err == nil && u.Scheme != "" {
			continue
		}
		if i == 0 {
			r.fail(key+".web_page", "wants a URI, has %q", text)
		} else {
			r.fail(fmt.Sprintf("%s.uris[%d]", key, i-1), "wants a URI, has %q", text)
		}
	}
}
