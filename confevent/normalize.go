package confevent

import "slices"

// Normalize returns the document as it is written and read back. Texts, URIs and
// times are made such that XML and the schema can hold them. A full document gets
// the description and the roster it must have (RFC 4575, section 5.2). Parts
// without a key are left out, and of two with the same key the first stays, the
// endpoints of the second going to it (RFC 4575, section 4.5). Below a full
// element everything is full (RFC 4575, section 4.4).
func (d Document) Normalize() Document {
	d.Entity = safeURI(d.Entity)
	d.State = safeState(d.State)
	if d.State == Deleted {
		return Document{Entity: d.Entity, State: Deleted, Version: d.Version}
	}
	full := d.State == Full
	d.Description = d.Description.normalize()
	if full && d.Description == nil {
		d.Description = &Description{}
	}
	if d.Users == nil && full {
		d.Users = &Users{}
	}
	d.Host = d.Host.normalize()
	d.Users = d.Users.normalize(full)
	d.SidebarsByRef = normalizeRefs(d.SidebarsByRef, full)
	d.SidebarsByVal = d.SidebarsByVal.normalize(full)

	return d
}

func (d *Description) normalize() *Description {
	if d == nil {
		return nil
	}
	c := *d
	c.DisplayText = safeText(d.DisplayText)
	c.Subject = safeText(d.Subject)
	c.FreeText = safeText(d.FreeText)
	c.Keywords = words(d.Keywords)
	c.ConfURIs = normalizeURIs(d.ConfURIs)
	c.ServiceURIs = normalizeURIs(d.ServiceURIs)
	c.AvailableMedia = nil
	for _, m := range d.AvailableMedia {
		m.Label = safeText(m.Label)
		if slices.ContainsFunc(c.AvailableMedia, func(o Medium) bool { return o.Label == m.Label }) {
			continue
		}
		m.DisplayText = safeText(m.DisplayText)
		m.Type = safeText(m.Type)
		m.Status = safeEnum(m.Status, mediaNames)
		c.AvailableMedia = append(c.AvailableMedia, m)
	}

	return &c
}

func (h *Host) normalize() *Host {
	if h == nil {
		return nil
	}

	return &Host{DisplayText: safeText(h.DisplayText), WebPage: safeURI(h.WebPage), URIs: normalizeURIs(h.URIs)}
}

func normalizeURIs(list []URI) []URI {
	var out []URI
	for _, u := range list {
		u.URI = safeURI(u.URI)
		if u.URI == "" || slices.ContainsFunc(out, func(o URI) bool { return o.URI == u.URI }) {
			continue
		}
		u.DisplayText = safeText(u.DisplayText)
		u.Purpose = safeText(u.Purpose)
		u.Modified = u.Modified.normalize()
		out = append(out, u)
	}

	return out
}

// normalizeRefs gives nil for an empty list, which the schema has no way to write.
func normalizeRefs(l *URIs, full bool) *URIs {
	if l == nil || safeState(l.State) == Deleted {
		return nil
	}
	c := URIs{State: safeState(l.State), Entries: normalizeURIs(l.Entries)}
	if full {
		c.State = Full
	}
	if len(c.Entries) == 0 {
		return nil
	}

	return &c
}

func (l *Sidebars) normalize(full bool) *Sidebars {
	if l == nil {
		return nil
	}
	c := Sidebars{State: safeState(l.State)}
	if full {
		c.State = Full
	}
	if c.State == Deleted {
		return &c
	}
	seen := make(map[string]bool, len(l.Entries))
	for _, e := range l.Entries {
		if c.State == Full {
			if e.State == Deleted {
				continue
			}
			e.State = Full
		}
		e.Version = 0
		e = e.Normalize()
		if e.Entity != "" && !seen[e.Entity] {
			seen[e.Entity] = true
			c.Entries = append(c.Entries, e)
		}
	}

	return &c
}

func (l *Users) normalize(full bool) *Users {
	if l == nil {
		return nil
	}
	c := Users{State: safeState(l.State)}
	if full {
		c.State = Full
	}
	if c.State == Deleted {
		return &c
	}
	if len(l.Users) > 0 {
		c.Users = make([]User, 0, len(l.Users))
	}
	index := make(map[string]int, len(l.Users))
	for _, u := range l.Users {
		if c.State == Full {
			if u.State == Deleted {
				continue
			}
			u.State = Full
		}
		u = u.normalize()
		i, again := index[u.Entity]
		switch {
		case u.Entity == "":
		case !again:
			index[u.Entity] = len(c.Users)
			c.Users = append(c.Users, u)
		case c.Users[i].State != Deleted:
			first := c.Users[i]
			first.Endpoints = normalizeEndpoints(slices.Concat(first.Endpoints, u.Endpoints), first.State == Full)
			c.Users[i] = first
		}
	}
	if len(c.Users) == 0 {
		c.Users = nil
	}

	return &c
}

func (u User) normalize() User {
	u.Entity = safeURI(u.Entity)
	u.State = safeState(u.State)
	if u.State == Deleted {
		return User{Entity: u.Entity, State: Deleted}
	}
	u.DisplayText = safeText(u.DisplayText)
	u.AssociatedAORs = normalizeURIs(u.AssociatedAORs)
	var roles []string
	for _, r := range u.Roles {
		if r = safeText(r); r != "" {
			roles = append(roles, r)
		}
	}
	u.Roles = roles
	u.Languages = languages(u.Languages)
	u.CascadedFocus = safeURI(u.CascadedFocus)
	u.Endpoints = normalizeEndpoints(u.Endpoints, u.State == Full)

	return u
}
