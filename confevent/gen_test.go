package confevent

import (
	"strconv"
	"time"

	"pgregory.net/rapid"
)

// Generators of documents as a focus has them and worse: keys from small sets so
// that documents share rows, texts with everything that a name can hold.

func genText() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.Just(""),
		rapid.SampledFrom([]string{"Alice", "Bøb & Co", "<b>\"x\"</b>", "line\nbreak\ttab", "\x00\x1b[31m", "\xff\xfe", "]]>", " edge ", "\u202eRTL", "😀", "\ufffe", "\u0085"}),
		rapid.String(),
	)
}

func genURI() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.SampledFrom([]string{
			"sip:alice@example.com", "sip:b ob@[2001:db8::1]:5060;x=%", "tel:+123", "http://u:p@[::1]:80/a?b#c#d", "",
			"http://h:port/[", "//a@b@c", ":x", "1:b", "urn:uuid:%zz", "mailto:ä@b",
		}),
		rapid.StringMatching(`[a-z:/@\[\]#%?0-9 "]{0,12}`),
		rapid.String(),
	)
}

// genKey gives keys that meet again.
func genKey(prefix string) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		return prefix + strconv.Itoa(rapid.IntRange(0, 6).Draw(t, "key"))
	})
}

func genExecution() *rapid.Generator[*Execution] {
	return rapid.Custom(func(t *rapid.T) *Execution {
		if rapid.Bool().Draw(t, "none") {
			return nil
		}
		x := &Execution{Reason: genText().Draw(t, "reason"), By: genURI().Draw(t, "by")}
		if rapid.Bool().Draw(t, "timed") {
			x.When = time.UnixMicro(rapid.Int64Range(-1<<60, 1<<60).Draw(t, "when"))
		}

		return x
	})
}

func genURIs() *rapid.Generator[[]URI] {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) URI {
		return URI{
			URI: genURI().Draw(t, "uri"), DisplayText: genText().Draw(t, "text"),
			Purpose: genText().Draw(t, "purpose"), Modified: genExecution().Draw(t, "modified"),
		}
	}), 0, 3)
}

func genEnum[E ~uint8](table []string) *rapid.Generator[E] {
	return rapid.Custom(func(t *rapid.T) E { return E(rapid.IntRange(0, len(table)).Draw(t, "enum")) })
}

func genMedia() *rapid.Generator[Media] {
	return rapid.Custom(func(t *rapid.T) Media {
		return Media{
			ID: genKey("").Draw(t, "id"), Type: genText().Draw(t, "type"), Label: genText().Draw(t, "label"),
			SrcID: genText().Draw(t, "src"), DisplayText: genText().Draw(t, "text"),
			Status: genEnum[MediaStatus](mediaNames).Draw(t, "status"),
		}
	})
}

func genEndpoint() *rapid.Generator[Endpoint] {
	return rapid.Custom(func(t *rapid.T) Endpoint {
		e := Endpoint{
			Entity: genKey("sip:dev").Draw(t, "entity"), DisplayText: genText().Draw(t, "text"),
			Referred: genExecution().Draw(t, "referred"), Status: genEnum[Status](statusNames).Draw(t, "status"),
			JoiningMethod: genEnum[JoiningMethod](joiningNames).Draw(t, "joining"), JoiningInfo: genExecution().Draw(t, "info"),
			DisconnectionMethod: genEnum[DisconnectionMethod](disconnectionNames).Draw(t, "disc"),
			DisconnectionInfo:   genExecution().Draw(t, "dinfo"),
			Media:               rapid.SliceOfN(genMedia(), 0, 3).Draw(t, "media"),
		}
		if rapid.Bool().Draw(t, "call") {
			e.CallInfo = &CallInfo{DisplayText: genText().Draw(t, "d"), CallID: genText().Draw(t, "c"), FromTag: genText().Draw(t, "f")}
		}

		return e
	})
}

func genUser() *rapid.Generator[User] {
	return rapid.Custom(func(t *rapid.T) User {
		return User{
			Entity: genKey("sip:user").Draw(t, "entity"), DisplayText: genText().Draw(t, "text"),
			AssociatedAORs: genURIs().Draw(t, "aors"), Roles: rapid.SliceOfN(genText(), 0, 2).Draw(t, "roles"),
			Languages:     rapid.SliceOfN(rapid.SampledFrom([]string{"en", "de-CH", "", "x y", "toolongtobe", "e1"}), 0, 2).Draw(t, "lang"),
			CascadedFocus: genURI().Draw(t, "focus"),
			Endpoints:     rapid.SliceOfN(genEndpoint(), 0, 2).Draw(t, "endpoints"),
		}
	})
}

func genMedium() *rapid.Generator[Medium] {
	return rapid.Custom(func(t *rapid.T) Medium {
		return Medium{
			Label: genText().Draw(t, "label"), DisplayText: genText().Draw(t, "text"), Type: genText().Draw(t, "type"),
			Status: genEnum[MediaStatus](mediaNames).Draw(t, "status"),
		}
	})
}

func genDescription() *rapid.Generator[*Description] {
	return rapid.Custom(func(t *rapid.T) *Description {
		return &Description{
			DisplayText: genText().Draw(t, "text"), Subject: genText().Draw(t, "subject"), FreeText: genText().Draw(t, "free"),
			Keywords: rapid.SliceOfN(genText(), 0, 3).Draw(t, "words"), ConfURIs: genURIs().Draw(t, "conf"),
			ServiceURIs: genURIs().Draw(t, "service"), MaximumUserCount: rapid.Uint32().Draw(t, "max"),
			AvailableMedia: rapid.SliceOfN(genMedium(), 0, 2).Draw(t, "media"),
		}
	})
}

// maybe gives nil now and then.
func maybe[T any](g *rapid.Generator[*T]) *rapid.Generator[*T] {
	return rapid.OneOf(rapid.Just[*T](nil), g, g)
}

func genState() *rapid.Generator[*ConferenceState] {
	return rapid.Custom(func(t *rapid.T) *ConferenceState {
		return &ConferenceState{
			UserCount: rapid.Ptr(rapid.Uint32(), true).Draw(t, "count"),
			Active:    rapid.Ptr(rapid.Bool(), true).Draw(t, "active"),
			Locked:    rapid.Ptr(rapid.Bool(), true).Draw(t, "locked"),
		}
	})
}

func genUsers() *rapid.Generator[*Users] {
	return rapid.Custom(func(t *rapid.T) *Users {
		return &Users{Users: rapid.SliceOfN(genUser(), 0, 5).Draw(t, "users")}
	})
}

// genDocument gives full documents about one conference; version as given.
func genDocument(version uint32, depth int) *rapid.Generator[Document] {
	return rapid.Custom(func(t *rapid.T) Document {
		d := Document{
			Entity: "sip:conf@example.com", Version: version,
			Description: maybe(genDescription()).Draw(t, "description"), Users: maybe(genUsers()).Draw(t, "roster"),
			ConferenceState: maybe(genState()).Draw(t, "state"),
		}
		if rapid.Bool().Draw(t, "host") {
			d.Host = &Host{DisplayText: genText().Draw(t, "h"), WebPage: genURI().Draw(t, "web"), URIs: genURIs().Draw(t, "uris")}
		}
		if rapid.Bool().Draw(t, "refs") {
			d.SidebarsByRef = &URIs{Entries: genURIs().Draw(t, "refs")}
		}
		if depth > 0 && rapid.Bool().Draw(t, "sidebars") {
			l := &Sidebars{}
			for range rapid.IntRange(0, 2).Draw(t, "n") {
				e := genDocument(0, depth-1).Draw(t, "sidebar")
				e.Entity = genKey("sip:side").Draw(t, "entity")
				l.Entries = append(l.Entries, e)
			}
			d.SidebarsByVal = l
		}

		return d
	})
}

// genNext gives a document that is related to old: rows dropped, changed, added.
func genNext(old Document) *rapid.Generator[Document] {
	return rapid.Custom(func(t *rapid.T) Document {
		next := genDocument(old.Version+1, 1).Draw(t, "other")
		if rapid.Bool().Draw(t, "keepDescription") {
			next.Description = old.Description
		}
		if old.Users == nil || !rapid.Bool().Draw(t, "keepUsers") {
			return next
		}
		users := &Users{}
		for _, u := range old.Users.Users {
			switch rapid.IntRange(0, 3).Draw(t, "fate") {
			case 0:
				continue
			case 1:
				u.Endpoints = append(genNextEndpoints(t, u.Endpoints), rapid.SliceOfN(genEndpoint(), 0, 1).Draw(t, "more")...)
			case 2:
				u.DisplayText = genText().Draw(t, "renamed")
			}
			users.Users = append(users.Users, u)
		}
		users.Users = append(users.Users, rapid.SliceOfN(genUser(), 0, 1).Draw(t, "joined")...)
		next.Users = users

		return next
	})
}

func genNextEndpoints(t *rapid.T, list []Endpoint) []Endpoint {
	out := make([]Endpoint, 0, len(list))
	for _, e := range list {
		switch rapid.IntRange(0, 3).Draw(t, "fate") {
		case 0:
			continue
		case 1:
			e.Status = genEnum[Status](statusNames).Draw(t, "status")
		case 2:
			e.Media = rapid.SliceOfN(genMedia(), 0, 3).Draw(t, "media")
		}
		out = append(out, e)
	}

	return out
}
