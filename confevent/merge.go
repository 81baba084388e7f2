package confevent

import "maps"

// Merge applies a document to the local state of a subscriber and returns the new
// one (RFC 4575, section 4.6). A full document replaces it and so does a deleted
// one, which says that the conference is over. The first document goes onto the
// zero Document.
//
// The result is full or deleted. Rows that stay keep their places and new ones
// come last. An element that is partial without a local one to change is taken as
// it is.
//
// Errors: ErrStale for a version that is not above the local one: discard the
// document. ErrRefreshNeeded for a partial document that does not follow the local
// version, or with no local state: ask for a full one. ErrOtherConference for a
// partial document with another entity. The old state stays valid then.
func Merge(old, update Document) (Document, error) {
	first := old.Entity == "" && old.Version == 0
	switch {
	case !first && update.Version <= old.Version:
		return Document{}, ErrStale
	case update.State != Partial:
		return settle(update), nil
	case first || old.State != Full || update.Version != old.Version+1:
		return Document{}, ErrRefreshNeeded
	case update.Entity != old.Entity:
		return Document{}, ErrOtherConference
	}
	d := mergeConference(old, update)
	d.Version = update.Version

	return d, nil
}

func mergeConference(d, p Document) Document {
	if p.Description != nil {
		d.Description = p.Description
	}
	if p.Host != nil {
		d.Host = p.Host
	}
	if p.ConferenceState != nil {
		d.ConferenceState = p.ConferenceState
	}
	if p.Users != nil {
		d.Users = mergeUsers(d.Users, p.Users)
	}
	if p.SidebarsByRef != nil {
		d.SidebarsByRef = mergeRefs(d.SidebarsByRef, p.SidebarsByRef)
	}
	if p.SidebarsByVal != nil {
		d.SidebarsByVal = mergeSidebars(d.SidebarsByVal, p.SidebarsByVal)
	}
	d.State = Full

	return d
}

func mergeUsers(l, p *Users) *Users {
	switch {
	case p.State == Deleted:
		return nil
	case p.State == Full || l == nil:
		l = &Users{}
	}

	return &Users{Users: mergeTable(l.Users, p.Users, userKey, func(u User) State { return u.State }, mergeUser)}
}

func mergeSidebars(l, p *Sidebars) *Sidebars {
	switch {
	case p.State == Deleted:
		return nil
	case p.State == Full || l == nil:
		l = &Sidebars{}
	}
	stateOf := func(d Document) State { return d.State }
	merge := func(d, p Document) Document {
		d.Entity = p.Entity

		return mergeConference(d, p)
	}

	return &Sidebars{Entries: mergeTable(l.Entries, p.Entries, sidebarKey, stateOf, merge)}
}

func mergeRefs(l, p *URIs) *URIs {
	switch {
	case p.State == Deleted:
		return nil
	case p.State == Full || l == nil:
		l = &URIs{}
	}

	return &URIs{Entries: mergeTable(l.Entries, p.Entries, uriKey, atomic[URI], replace[URI])}
}

func mergeUser(u, p User) User {
	u.Entity = p.Entity
	u.State = Full
	mergeText(&u.DisplayText, p.DisplayText)
	mergeText(&u.CascadedFocus, p.CascadedFocus)
	mergeList(&u.AssociatedAORs, p.AssociatedAORs)
	mergeList(&u.Roles, p.Roles)
	mergeList(&u.Languages, p.Languages)
	stateOf := func(e Endpoint) State { return e.State }
	u.Endpoints = mergeTable(u.Endpoints, p.Endpoints, endpointKey, stateOf, mergeEndpoint)

	return u
}

func mergeEndpoint(e, p Endpoint) Endpoint {
	e.Entity = p.Entity
	e.State = Full
	mergeText(&e.DisplayText, p.DisplayText)
	mergeText(&e.Status, p.Status)
	mergeText(&e.JoiningMethod, p.JoiningMethod)
	mergeText(&e.DisconnectionMethod, p.DisconnectionMethod)
	mergeText(&e.Referred, p.Referred)
	mergeText(&e.JoiningInfo, p.JoiningInfo)
	mergeText(&e.DisconnectionInfo, p.DisconnectionInfo)
	mergeText(&e.CallInfo, p.CallInfo)
	e.Media = mergeTable(e.Media, p.Media, mediaKey, atomic[Media], replace[Media])

	return e
}

// mergeTable applies rows to a table (RFC 4575, section 4.6, step 3.1). A row that
// is full replaces the local one, which is a merge into the empty row.
func mergeTable[T any](rows, updates []T, key func(T) string, stateOf func(T) State, merge func(T, T) T) []T {
	if len(updates) == 0 {
		return rows
	}
	index := maps.Collect(keyed(rows, key))
	out := append(make([]T, 0, len(rows)+len(updates)), rows...)
	dead := make(map[int]bool)
	for _, p := range updates {
		i, ok := index[key(p)]
		switch {
		case stateOf(p) == Deleted:
			if ok {
				dead[i] = true
				delete(index, key(p))
			}
		case !ok:
			var none T
			index[key(p)] = len(out)
			out = append(out, merge(none, p))
		case stateOf(p) == Full:
			var none T
			out[i] = merge(none, p)
		default:
			out[i] = merge(out[i], p)
		}
	}
	kept := out[:0]
	for i, r := range out {
		if !dead[i] {
			kept = append(kept, r)
		}
	}
	if len(kept) == 0 {
		return nil
	}

	return kept
}

// settle makes the state of everything in a full document full, as it is stored.
func settle(d Document) Document {
	if d.State == Deleted {
		return Document{Entity: d.Entity, Version: d.Version, State: Deleted}
	}
	s := mergeConference(Document{Entity: d.Entity}, d)
	s.Version = d.Version

	return s
}

func mergeText[T comparable](to *T, v T) {
	var none T
	if v != none {
		*to = v
	}
}

func mergeList[T any](to *[]T, v []T) {
	if len(v) > 0 {
		*to = v
	}
}

func atomic[T any](T) State { return Full }

// replace takes the update; its first argument is the empty row.
func replace[T any](_, p T) T { return p }
