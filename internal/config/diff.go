package config

import (
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Change is a key that has another value than before.
type Change struct {
	Key string // dotted; elements of lists by their name: sip.trunks[carrier].uri
	// Old and New are the values in short; secrets are hidden. An element of a list is "added" or "removed".
	Old, New string
}

// String is the change for a log.
func (c Change) String() string {
	if c.Old == "" && (c.New == added || c.New == removed) {
		return c.Key + " " + c.New
	}
	return fmt.Sprintf("%s: %s -> %s", c.Key, c.Old, c.New)
}

const (
	added   = "added"
	removed = "removed"
)

// Diff gives what differs between two configurations, in the order of the keys.
func Diff(before, after *Config) []Change {
	return diff("", reflect.ValueOf(before).Elem(), reflect.ValueOf(after).Elem())
}

// live are the keys that can change while the program runs.
//
//nolint:gochecknoglobals // a table
var live = []string{
	"log.level", "sip.allow", "sip.users", "sip.realm", "sip.digest", "sip.bans", "sip.trunks", "sip.dial_out", "sip.refer", "sip.takeover", "sip.replaces", "sip.tls",
	"conference_defaults", "conferences", "door", "menus", "recording.rules", "recording.servers", "events.notify_rate", "http.tokens", "limits", "shutdown",
	"cdr", "events.webhooks", "media", "srs.tls",
}

// fixed are those among them that cannot.
//
//nolint:gochecknoglobals // a table
var fixed = []string{"media.workers", "media.io_uring"}

// Live tells whether what has changed can change while the program runs. Whether media are protected at all cannot: a recording that goes on
// would be less protected than calls that come into it, or than those that stay (RFC 7866, section 12).
func (c Change) Live() bool {
	if c.Key == "media.srtp" && (c.Old == "disabled" || c.New == "disabled") {
		return false
	}
	return slices.ContainsFunc(live, c.within) && !slices.ContainsFunc(fixed, c.within)
}

// within tells whether a key is the one of the change, or one that it is part of.
func (c Change) within(key string) bool {
	rest, ok := strings.CutPrefix(c.Key, key)
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

// ErrNotLive says that keys have changed that cannot change while the program runs.
var ErrNotLive = errors.New("a restart is needed to change")

// CheckLive refuses changes some of which cannot be made. The error wraps ErrNotLive and names their keys.
func CheckLive(changes []Change) error { return checkLive(changes, Change.Live) }

// CheckLiveOf is CheckLive where only these keys, and what is part of them, can change.
func CheckLiveOf(changes []Change, keys []string) error {
	return checkLive(changes, func(c Change) bool { return slices.ContainsFunc(keys, c.within) })
}

func checkLive(changes []Change, live func(Change) bool) error {
	var restart []string
	for _, c := range changes {
		if !live(c) {
			restart = append(restart, c.Key)
		}
	}
	if len(restart) == 0 {
		return nil
	}
	return fmt.Errorf("%w %s", ErrNotLive, strings.Join(restart, ", "))
}

func diff(key string, x, y reflect.Value) []Change {
	switch {
	case reflect.DeepEqual(x.Interface(), y.Interface()):
		return nil
	case x.Kind() == reflect.Struct:
		var out []Change
		for f := range x.Type().Fields() {
			name := f.Tag.Get("yaml")
			sub := join(key, name)
			if name == "" || strings.HasPrefix(name, ",") { // its keys are those of what it is part of
				sub = key
			}
			out = append(out, diff(sub, x.FieldByIndex(f.Index), y.FieldByIndex(f.Index))...)
		}
		return out
	case x.Kind() == reflect.Pointer && !x.IsNil() && !y.IsNil():
		return diff(key, x.Elem(), y.Elem())
	case x.Kind() == reflect.Slice && x.Type().Elem().Kind() == reflect.Struct:
		return diffList(key, x, y)
	}
	if strings.HasPrefix(key, "events.webhooks[") && strings.HasSuffix(key, ".url") { // it may hold a secret
		return []Change{{Key: key, Old: hostOf(x.String()), New: hostOf(y.String())}}
	}
	return []Change{{Key: key, Old: short(x), New: short(y)}}
}

// hostOf is what may be shown of a URL.
func hostOf(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return "…"
	}
	return u.Scheme + "://" + u.Host + "/…"
}

// diffList compares elements that have the same name, or the same place where they have none.
func diffList(key string, x, y reflect.Value) []Change {
	var out []Change
	names, others := elementNames(x), elementNames(y)
	for i, name := range names {
		sub := fmt.Sprintf("%s[%s]", key, name)
		if k := slices.Index(others, name); k >= 0 {
			out = append(out, diff(sub, x.Index(i), y.Index(k))...)
		} else {
			out = append(out, Change{Key: sub, New: removed})
		}
	}
	for _, name := range others {
		if !slices.Contains(names, name) {
			out = append(out, Change{Key: fmt.Sprintf("%s[%s]", key, name), New: added})
		}
	}
	if len(out) == 0 {
		out = append(out, Change{Key: key, Old: strings.Join(names, ", "), New: strings.Join(others, ", ")})
	}
	return out
}

func elementNames(list reflect.Value) []string {
	names := make([]string, list.Len())
	for i := range names {
		names[i] = strconv.Itoa(i)
		for f := range list.Type().Elem().Fields() {
			tag := f.Tag.Get("yaml")
			value := list.Index(i).FieldByIndex(f.Index)
			if (tag == "name" || tag == "id" || tag == "username") && value.Kind() == reflect.String && value.String() != "" {
				names[i] = value.String()
				break
			}
		}
	}
	return names
}

// short is a value for the log. Secrets hide themselves.
func short(v reflect.Value) string {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return "none"
		}
		v = v.Elem()
	}
	text := fmt.Sprint(v.Interface())
	if text == "" {
		return "none"
	}
	if len(text) > 200 { //nolint:mnd // a line of the log
		text = text[:200] + "…"
	}
	return text
}
