package config

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// User may call with credentials.
type User struct {
	Username string   `yaml:"username"`
	Password Secret   `yaml:"password"`
	Roles    []string `yaml:"roles"` // moderator, marked, and names that rules of conferences use
}

// Bans say when a source that guesses passwords is ignored.
type Bans struct {
	Failures int           `yaml:"failures"` // wrong answers within the window
	Window   time.Duration `yaml:"window"`
	Duration time.Duration `yaml:"duration"` // of the first ban; each further one is twice as long
	Max      time.Duration `yaml:"max"`
}

// Trunk is a peer by which we are called and call.
type Trunk struct {
	Name      string        `yaml:"name"`
	URI       string        `yaml:"uri"` // its registrar, and the host of what is called by it
	Username  string        `yaml:"username"`
	Password  Secret        `yaml:"password"`
	Realm     string        `yaml:"realm"` // the only one that gets the password; empty: every realm of the peer
	Register  bool          `yaml:"register"`
	Expires   time.Duration `yaml:"expires"`   // of the registration; 0: 1h
	Proxy     string        `yaml:"proxy"`     // outbound proxy
	Networks  []string      `yaml:"networks"`  // from which it calls, without credentials
	Names     []string      `yaml:"names"`     // the same by the domain in its certificate
	Roles     []string      `yaml:"roles"`     // of its callers, as those of users
	Trusted   bool          `yaml:"trusted"`   // its P-Asserted-Identity is believed
	Numbers   []string      `yaml:"numbers"`   // that are called by it when they are dialled at sip.domain, with *
	Keepalive time.Duration `yaml:"keepalive"` // between two OPTIONS; 0: none
	Cert      string        `yaml:"cert"`      // a certificate of its own
	Key       Secret        `yaml:"key"`
}

// DialOut bounds whom we call because somebody asks us to.
type DialOut struct {
	Allow []string `yaml:"allow"` // networks, or user@host with *
}

func (r *reader) checkUsers(sip *SIP) {
	names := map[string]bool{}
	for i, user := range sip.Users {
		key := fmt.Sprintf("sip.users[%d]", i)
		switch {
		case user.Username == "" || strings.ContainsAny(user.Username, ":\"\r\n"):
			r.fail(key+".username", "wants a name without colons and quotation marks, has %q", user.Username)
		case names[user.Username]:
			r.fail(key+".username", "%q stands twice", user.Username)
		case user.Password == "":
			r.fail(key+".password", "wants a password")
		}
		names[user.Username] = true
	}
	if sip.Realm == "" || strings.ContainsAny(sip.Realm, "\"\r\n") {
		r.fail("sip.realm", "wants a text without quotation marks, has %q", sip.Realm)
	}
	if len(sip.Digest) == 0 {
		r.fail("sip.digest", "wants SHA-256, MD5 or both")
	}
	if sip.Bans.Failures < 1 || sip.Bans.Window <= 0 || sip.Bans.Duration <= 0 || sip.Bans.Max < sip.Bans.Duration {
		r.fail("sip.bans", "wants failures, window and duration above 0, and max of at least the duration")
	}
	r.checkRule("sip.dial_out.allow", sip.DialOut.Allow, sip, false)
}

func (r *reader) checkTrunks(sip *SIP) {
	for i := range sip.Trunks {
		trunk := &sip.Trunks[i]
		key := fmt.Sprintf("sip.trunks[%d]", i)
		if trunk.Name == "" || strings.ContainsAny(trunk.Name, " @:;,<>\"") {
			r.fail(key+".name", "wants a name that can be the host of a URI, has %q", trunk.Name)
		} else if slices.ContainsFunc(sip.Trunks[:i], func(t Trunk) bool { return strings.EqualFold(t.Name, trunk.Name) }) {
			r.fail(key+".name", "%q stands twice", trunk.Name)
		}
		if !sipURI(trunk.URI) {
			r.fail(key+".uri", "wants a SIP URI such as sip:pbx.example.com;transport=tls, has %q", trunk.URI)
		}
		if trunk.Proxy != "" && !sipURI(trunk.Proxy) {
			r.fail(key+".proxy", "wants a SIP URI, has %q", trunk.Proxy)
		}
		if trunk.Register && trunk.Username == "" {
			r.fail(key+".username", "is whom to register")
		}
		if (trunk.Cert == "") != (trunk.Key == "") {
			r.fail(key+".cert", "wants cert and key, or neither")
		}
		for n, text := range trunk.Networks {
			if _, err := netip.ParsePrefix(text); err != nil {
				r.fail(fmt.Sprintf("%s.networks[%d]", key, n), "wants a network such as 192.0.2.0/24, has %q", text)
			}
		}
	}
}

func sipURI(text string) bool {
	rest, ok := strings.CutPrefix(text, "sips:")
	if !ok {
		rest, ok = strings.CutPrefix(text, "sip:")
	}
	if !ok || strings.ContainsAny(rest, " <>\"?") {
		return false
	}
	host, _, _ := strings.Cut(rest[strings.LastIndex(rest, "@")+1:], ";") // a user part may have semicolons, too
	if name, port, err := net.SplitHostPort(host); err == nil {
		n, err := strconv.ParseUint(port, 10, 16)
		return name != "" && err == nil && n > 0
	}
	return host != "" && (strings.HasPrefix(host, "[") == strings.HasSuffix(host, "]")) && (host[0] == '[' || !strings.Contains(host, ":"))
}

// checkRule looks at who may enter a conference, or who may be called.
func (r *reader) checkRule(key string, list []string, sip *SIP, callers bool) {
	for i, text := range list {
		sub := fmt.Sprintf("%s[%d]", key, i)
		kind, name, _ := strings.Cut(text, ":")
		_, err := netip.ParsePrefix(text)
		switch {
		case err == nil || text == "*":
		case callers && kind == "user":
			if !slices.ContainsFunc(sip.Users, func(u User) bool { return u.Username == name }) {
				r.fail(sub, "no user is called %q", name)
			}
		case callers && kind == "role":
			if !slices.ContainsFunc(sip.Users, func(u User) bool { return slices.Contains(u.Roles, name) }) &&
				!slices.ContainsFunc(sip.Trunks, func(t Trunk) bool { return slices.Contains(t.Roles, name) }) {
				r.fail(sub, "no user and no trunk has the role %q", name)
			}
		case callers && kind == "trunk":
			if !slices.ContainsFunc(sip.Trunks, func(t Trunk) bool { return t.Name == name }) {
				r.fail(sub, "no trunk is called %q", name)
			}
		case strings.Contains(text, "@") && !strings.ContainsAny(text, " <>"):
		case callers:
			r.fail(sub, "wants a network, user:, role: or trunk: with a name, or user@host with * for any text, has %q", text)
		default:
			r.fail(sub, "wants a network, or user@host with * for any text, has %q", text)
		}
	}
}
