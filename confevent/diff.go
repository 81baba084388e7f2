package confevent

import (
	"maps"
	"slices"
)

// Diff returns the document that tells a subscriber who has old about the updated state: a
// partial document, with the version and entity of updated. Both are full.
//
// Where the schema has no way to take something away, what holds it is sent full:
// an endpoint that lost a medium, a user who lost his display text, the list of
// sidebars by reference that got shorter, and the whole document where an atomic
// element or the last such sidebar is gone (RFC 4575, sections 4.4 and 4.5). The
// result is updated itself when old is not a full document of the same conference, or
// updated is not full: then no difference can be told.
//
// If nothing changed the result is [Document.Empty].
func Diff(old, updated Document) Document {
	if updated.State != Full || old.State != Full || old.Entity != updated.Entity {
		return updated
	}
	d, ok := diffConference(old, updated)
	if !ok {
		return updated
	}
	d.Version = updated.Version

	return d
}

// diffConference gives the partial element, or reports that only the full one will do.
func diffConference(a, b Document) (Document, bool) {
	d := Document{Entity: b.Entity, State: Partial}
	if b.Description == nil && a.Description != nil || b.Host == nil && a.Host != nil ||
		b.ConferenceState == nil && a.ConferenceState != nil {
		return d, false
	}
	if !a.Description.equal(b.Description) {
		d.Description = b.Description
	}
	if !a.Host.equal(b.Host) {
		d.Host = b.Host
	}
	if !a.ConferenceState.equal(b.ConferenceState) {
		d.ConferenceState = b.ConferenceState
	}
	d.Users = diffUsers(a.Users, b.Users)
	d.SidebarsByVal = diffSidebars(a.SidebarsByVal, b.SidebarsByVal)
	refs, ok := diffRefs(a.SidebarsByRef, b.SidebarsByRef)
	d.SidebarsByRef = refs

	return d, ok
}

func diffUsers(a, b *Users) *Users {
	switch {
	case a.equal(b):
		return nil
	case b == nil:
		return &Users{State: Deleted}
	case a == nil:
		return b
	}
	gone := func(u User) User { return User{Entity: u.Entity, State: Deleted} }

	return &Users{State: Partial, Users: diffTable(a.Users, b.Users, userKey, User.equal, diffUser, gone)}
}

func diffSidebars(a, b *Sidebars) *Sidebars {
	switch {
	case a.equal(b):
		return nil
	case b == nil:
		return &Sidebars{State: Deleted}
	case a == nil:
		return b
	}
	gone := func(d Document) Document { return Document{Entity: d.Entity, State: Deleted} }

	return &Sidebars{State: Partial, Entries: diffTable(a.Entries, b.Entries, sidebarKey, equalConference, diffConference, gone)}
}

// diffRefs adds and changes entries in a partial list; entries have no state, so
// one that is gone needs the full list, and an empty list cannot be written.
func diffRefs(a, b *URIs) (*URIs, bool) {
	switch {
	case a.equal(b):
		return nil, true
	case b == nil || len(b.Entries) == 0:
		return nil, a == nil || len(a.Entries) == 0
	case a == nil:
		return b, true
	}
	changed, lost := diffRows(a.Entries, b.Entries, uriKey, URI.equal)
	if lost {
		return b, true
	}

	return &URIs{State: Partial, Entries: changed}, true
}

// diffTable gives the rows of a partial table: what is gone first, then in the
// order of b what changed or is new.
func diffTable[T any](
	a, b []T, key func(T) string, equal func(T, T) bool, diff func(T, T) (T, bool), gone func(T) T,
) []T {
	before := maps.Collect(keyed(a, key))
	var changed []T
	for _, row := range b {
		i, ok := before[key(row)]
		delete(before, key(row))
		switch {
		case !ok:
			changed = append(changed, row)
		case !equal(a[i], row):
			if d, ok := diff(a[i], row); ok {
				row = d
			}
			changed = append(changed, row)
		}
	}
	var rows []T
	for _, i := range slices.Sorted(maps.Values(before)) {
		rows = append(rows, gone(a[i]))
	}

	return append(rows, changed...)
}

// diffRows gives the rows of b that are new or changed, and whether one of a is gone.
func diffRows[T any](a, b []T, key func(T) string, equal func(T, T) bool) (changed []T, lost bool) {
	before := maps.Collect(keyed(a, key))
	for _, row := range b {
		i, ok := before[key(row)]
		delete(before, key(row))
		if !ok || !equal(a[i], row) {
			changed = append(changed, row)
		}
	}

	return changed, len(before) > 0
}

func diffUser(a, b User) (User, bool) {
	d := User{Entity: b.Entity, State: Partial}
	ok := diffText(a.DisplayText, b.DisplayText, &d.DisplayText) &&
		diffText(a.CascadedFocus, b.CascadedFocus, &d.CascadedFocus) &&
		diffList(a.AssociatedAORs, b.AssociatedAORs, URI.equal, &d.AssociatedAORs) &&
		diffList(a.Roles, b.Roles, equalStrings, &d.Roles) &&
		diffList(a.Languages, b.Languages, equalStrings, &d.Languages)
	gone := func(e Endpoint) Endpoint { return Endpoint{Entity: e.Entity, State: Deleted} }
	d.Endpoints = diffTable(a.Endpoints, b.Endpoints, endpointKey, Endpoint.equal, diffEndpoint, gone)

	return d, ok
}

func diffEndpoint(a, b Endpoint) (Endpoint, bool) {
	d := Endpoint{Entity: b.Entity, State: Partial}
	ok := diffText(a.DisplayText, b.DisplayText, &d.DisplayText) &&
		diffText(a.Status, b.Status, &d.Status) &&
		diffText(a.JoiningMethod, b.JoiningMethod, &d.JoiningMethod) &&
		diffText(a.DisconnectionMethod, b.DisconnectionMethod, &d.DisconnectionMethod) &&
		diffExecution(a.Referred, b.Referred, &d.Referred) &&
		diffExecution(a.JoiningInfo, b.JoiningInfo, &d.JoiningInfo) &&
		diffExecution(a.DisconnectionInfo, b.DisconnectionInfo, &d.DisconnectionInfo)
	if !same(a.CallInfo, b.CallInfo) {
		d.CallInfo = b.CallInfo
		ok = ok && b.CallInfo != nil
	}
	changed, lost := diffRows(a.Media, b.Media, mediaKey, func(a, b Media) bool { return a == b })
	d.Media = changed

	return d, ok && !lost
}

// diffText sets the changed value; one that is gone cannot be told.
func diffText[T comparable](a, b T, to *T) bool {
	var none T
	if a != b {
		*to = b
	}

	return a == b || b != none
}

func diffList[T any](a, b []T, equal func(T, T) bool, to *[]T) bool {
	if slices.EqualFunc(a, b, equal) {
		return true
	}
	*to = b

	return len(b) > 0
}

func diffExecution(a, b *Execution, to **Execution) bool {
	if a.equal(b) {
		return true
	}
	*to = b

	return b != nil
}

func equalStrings(a, b string) bool { return a == b }
