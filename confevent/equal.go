package confevent

import (
	"maps"
	"slices"
)

// Equal reports whether two documents say the same, with the same version and
// states. Users, endpoints, media and sidebars may be in any order (RFC 4575,
// section 4.5); words, roles, languages and the lists of atomic elements may not.
func (d Document) Equal(o Document) bool {
	return d.Version == o.Version && equalConference(d, o)
}

func equalConference(a, b Document) bool {
	return a.Entity == b.Entity && a.State == b.State &&
		a.Description.equal(b.Description) && a.Host.equal(b.Host) &&
		a.ConferenceState.equal(b.ConferenceState) && a.Users.equal(b.Users) &&
		a.SidebarsByRef.equal(b.SidebarsByRef) && a.SidebarsByVal.equal(b.SidebarsByVal)
}

func (d *Description) equal(o *Description) bool {
	if d == nil || o == nil || d == o {
		return d == o
	}

	return d.DisplayText == o.DisplayText && d.Subject == o.Subject && d.FreeText == o.FreeText &&
		d.MaximumUserCount == o.MaximumUserCount && slices.Equal(d.Keywords, o.Keywords) &&
		slices.EqualFunc(d.ConfURIs, o.ConfURIs, URI.equal) &&
		slices.EqualFunc(d.ServiceURIs, o.ServiceURIs, URI.equal) &&
		slices.Equal(d.AvailableMedia, o.AvailableMedia)
}

func (h *Host) equal(o *Host) bool {
	if h == nil || o == nil || h == o {
		return h == o
	}

	return h.DisplayText == o.DisplayText && h.WebPage == o.WebPage && slices.EqualFunc(h.URIs, o.URIs, URI.equal)
}

func (s *ConferenceState) equal(o *ConferenceState) bool {
	if s == nil || o == nil || s == o {
		return s == o
	}

	return same(s.UserCount, o.UserCount) && same(s.Active, o.Active) && same(s.Locked, o.Locked)
}

func same[T comparable](a, b *T) bool {
	if a == nil || b == nil {
		return a == b
	}

	return *a == *b
}

func (u URI) equal(o URI) bool {
	return u.URI == o.URI && u.DisplayText == o.DisplayText && u.Purpose == o.Purpose && u.Modified.equal(o.Modified)
}

func (x *Execution) equal(o *Execution) bool {
	if x == nil || o == nil || x == o {
		return x == o
	}

	return x.When.Equal(o.When) && x.Reason == o.Reason && x.By == o.By
}

func (l *Users) equal(o *Users) bool {
	if l == nil || o == nil || l == o {
		return l == o
	}

	return l.State == o.State && equalTable(l.Users, o.Users, userKey, User.equal)
}

func (l *URIs) equal(o *URIs) bool {
	if l == nil || o == nil || l == o {
		return l == o
	}

	return l.State == o.State && equalTable(l.Entries, o.Entries, uriKey, URI.equal)
}

func (l *Sidebars) equal(o *Sidebars) bool {
	if l == nil || o == nil || l == o {
		return l == o
	}

	return l.State == o.State && equalTable(l.Entries, o.Entries, sidebarKey, equalConference)
}

func (u User) equal(o User) bool {
	return u.Entity == o.Entity && u.State == o.State && u.DisplayText == o.DisplayText &&
		u.CascadedFocus == o.CascadedFocus &&
		slices.EqualFunc(u.AssociatedAORs, o.AssociatedAORs, URI.equal) &&
		slices.Equal(u.Roles, o.Roles) && slices.Equal(u.Languages, o.Languages) &&
		equalTable(u.Endpoints, o.Endpoints, endpointKey, Endpoint.equal)
}

func (e Endpoint) equal(o Endpoint) bool {
	return e.Entity == o.Entity && e.State == o.State && e.DisplayText == o.DisplayText &&
		e.Status == o.Status && e.JoiningMethod == o.JoiningMethod &&
		e.DisconnectionMethod == o.DisconnectionMethod &&
		e.Referred.equal(o.Referred) && e.JoiningInfo.equal(o.JoiningInfo) &&
		e.DisconnectionInfo.equal(o.DisconnectionInfo) && same(e.CallInfo, o.CallInfo) &&
		equalTable(e.Media, o.Media, mediaKey, func(a, b Media) bool { return a == b })
}

// The keys of the tables (RFC 4575, section 4.5).
func userKey(u User) string         { return u.Entity }
func endpointKey(e Endpoint) string { return e.Entity }
func mediaKey(m Media) string       { return m.ID }
func uriKey(u URI) string           { return u.URI }
func sidebarKey(d Document) string  { return d.Entity }

// equalTable compares rows by key; while the order is the same no index is built.
func equalTable[T any](a, b []T, key func(T) string, equal func(T, T) bool) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if key(a[i]) != key(b[i]) {
			return equalIndexed(a, b, key, equal)
		}
		if !equal(a[i], b[i]) {
			return false
		}
	}

	return true
}

func equalIndexed[T any](a, b []T, key func(T) string, equal func(T, T) bool) bool {
	rows := maps.Collect(keyed(a, key))
	for _, r := range b {
		i, ok := rows[key(r)]
		if !ok || !equal(a[i], r) {
			return false
		}
		delete(rows, key(r))
	}

	return true
}

// keyed yields the key and the place of each row.
func keyed[T any](list []T, key func(T) string) func(func(string, int) bool) {
	return func(yield func(string, int) bool) {
		for i, r := range list {
			if !yield(key(r), i) {
				return
			}
		}
	}
}
