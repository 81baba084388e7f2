package main

import (
	"cmp"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/internal/config"
)

func hostConfig(h *config.Host) focus.Host {
	if h == nil {
		return focus.Host{}
	}
	return focus.Host{Name: h.Name, WebPage: h.WebPage, URIs: h.URIs}
}

func aboutConfig(a config.About, otherwise *config.Host) focus.About {
	out := focus.About{Subject: a.Subject, Text: a.Description, Keywords: a.Keywords, Host: hostConfig(cmp.Or(a.Host, otherwise))}
	for _, s := range a.Services {
		out.Services = append(out.Services, focus.Service{URI: s.URI, Purpose: s.Purpose, Name: s.Name})
	}
	return out
}

// rosterPolicy completes a policy by the defaults.
func rosterPolicy(r, defaults config.Roster) focus.RosterPolicy {
	from := map[string]focus.SubscribersFrom{
		"anyone": focus.SubscribersAll, "participants": focus.SubscribersParticipants, "moderators": focus.SubscribersModerators,
	}
	shown := map[string]focus.SidebarsShown{"by-value": focus.SidebarsByValue, "by-reference": focus.SidebarsByReference}
	cascades := map[string]focus.Cascades{"none": focus.CascadesNone, "called": focus.CascadesCalled, "all": focus.CascadesAll}
	return focus.RosterPolicy{
		Cascades:      cascades[cmp.Or(r.Cascades, defaults.Cascades)],
		Subscribers:   from[cmp.Or(r.Subscribers, defaults.Subscribers)],
		HideAnonymous: cmp.Or(r.Anonymous, defaults.Anonymous) == "hidden", HideCalls: cmp.Or(r.Calls, defaults.Calls) == "nobody",
		Sidebars: shown[cmp.Or(r.Sidebars, defaults.Sidebars)],
		Polite:   cmp.Or(r.Others, defaults.Others) == "empty", Secure: cmp.Or(r.Transport, defaults.Transport) == "tls",
	}
}
