package config

import (
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
)

// RecordingServer is one Session Recording Server.
type RecordingServer struct {
	Name       string        `yaml:"name"`
	URI        string        `yaml:"uri"`
	Codecs     []string      `yaml:"codecs"`
	SRTP       string        `yaml:"srtp" accept:"disabled,optional,required"`
	DTLS       string        `yaml:"dtls" accept:"disabled,accept,prefer"`                    // its keys by handshake: not, where needed, in all offers; empty: disabled
	Profile    string        `yaml:"profile" accept:"rfc,rfc-mixed,pair,chime,ccai,lab-open"` // its dialect; empty: rfc, with the streams that the policy names
	Dialect    Dialect       `yaml:"dialect"`                                                 // switches over the profile
	Priority   int           `yaml:"priority"`                                                // lower numbers are preferred
	Weight     int           `yaml:"weight"`                                                  // share when recordings are balanced; 0: 1
	Group      string        `yaml:"group"`                                                   // policies may name it instead of its members
	Probe      RecorderProbe `yaml:"probe"`
	Retry      RecorderRetry `yaml:"retry"`
	Metadata   Metadata      `yaml:"metadata"`
	Username   string        `yaml:"username"` // answers its challenges; empty: they are not answered
	Password   Secret        `yaml:"password"`
	Realm      string        `yaml:"realm"`      // the only one that gets the password; empty: every realm of the recorder
	Redirect   []string      `yaml:"redirects"`  // hosts, with *, to which it may redirect an INVITE; empty: to none
	Persistent int           `yaml:"persistent"` // streams held in one session for all recordings; 0: a session for each
	Merge      bool          `yaml:"merge"`      // one stream of that session has the mixed streams of all conferences
	MayStart   []string      `yaml:"may_start"`  // whence it may begin sessions by itself: user:, role:, trunk:, networks; empty: it may not
}

// Metadata says what a server is told beside the metadata of RFC 7865, and of whom.
type Metadata struct {
	Headers []string       `yaml:"headers"`                            // names of header fields of participants' calls, with *
	Fields  []RecordHeader `yaml:"fields"`                             // of the session; {conference} and {name} in a value are filled in
	Roles   bool           `yaml:"roles"`                              // the role of each participant
	Names   string         `yaml:"names" accept:"full,address,nobody"` // how participants are named; empty: full
}

// Spool keeps on the local disk, encrypted, what no recorder takes, and delivers it later.
type Spool struct {
	Directory string `yaml:"directory"` // empty: there is none
	Key       Secret `yaml:"key"`       // 32 octets in base64 or hexadecimal, as from openssl rand -base64 32
	MaxSize   Size   `yaml:"max_size"`  // of all that waits; 0: no bound
}

// Octets gives the key.
func (s *Spool) Octets() (key [32]byte, ok bool) {
	text := strings.TrimSpace(s.Key.Reveal())
	octets, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(octets) != len(key) {
		octets, err = hex.DecodeString(text)
	}
	return [32]byte(append(octets, make([]byte, len(key))...)), err == nil && len(octets) == len(key)
}

// RecorderProbe asks by OPTIONS whether a server is there.
type RecorderProbe struct {
	Interval  time.Duration `yaml:"interval"`   // 0: it is not asked
	Timeout   time.Duration `yaml:"timeout"`    // 0: 1s
	DownAfter int           `yaml:"down_after"` // lost probes in a row; 0: 2
	UpAfter   int           `yaml:"up_after"`   // answered ones in a row; 0: 2
}

// RecorderRetry says how a lost or refused session is tried again, and when a server is left alone for a while.
type RecorderRetry struct {
	Initial    time.Duration `yaml:"initial"`     // 0: 1s
	Max        time.Duration `yaml:"max"`         // 0: 1m
	Attempts   int           `yaml:"attempts"`    // in a row; 0: no limit
	BreakAfter int           `yaml:"break_after"` // failures in a row until it rests; 0: 3
	Cooldown   time.Duration `yaml:"cooldown"`    // that rest, doubled each time; 0: 5s
}

// Dialect are switches for what recorders in the field want differently. What is not given is as the profile has it.
type Dialect struct {
	Streams          string         `yaml:"streams" accept:"any,separate,mixed,pair"`
	MaxStreams       *int           `yaml:"max_streams"` // at one time; 0: no limit
	MetadataType     string         `yaml:"metadata_type" accept:"application/rs-metadata+xml,application/rs-metadata"`
	Updates          string         `yaml:"updates" accept:"partial,self_contained,complete"`
	MetadataBy       string         `yaml:"metadata_by" accept:"update,reinvite"`
	Pause            string         `yaml:"pause" accept:"inactive,silence"`
	MinInterval      *time.Duration `yaml:"min_interval"` // between two requests, but for pauses and snapshots
	AVPF             *bool          `yaml:"avpf"`
	OmitRequire      *bool          `yaml:"omit_require"`
	SDPDisposition   *bool          `yaml:"sdp_disposition"`
	OmitFocus        *bool          `yaml:"omit_focus"`
	DropEmptyStreams *bool          `yaml:"drop_empty_streams"`
	BriefRecv        *bool          `yaml:"brief_recv"`
	LenientAnswer    *bool          `yaml:"lenient_answer"`
	SendonlyIsReady  *bool          `yaml:"sendonly_is_ready"`
	MetadataInBye    *bool          `yaml:"metadata_in_bye"`
	AppendOnly       *bool          `yaml:"append_only"`
	AlwaysMultipart  *bool          `yaml:"always_multipart"`
	Events           *bool          `yaml:"events"` // offer telephone-event
	OmitSeal         *bool          `yaml:"omit_seal"`
	Continuous       *bool          `yaml:"continuous"` // packets of silence also to who takes comfort noise
	CRLF             *bool          `yaml:"crlf"`       // at the ends of lines of metadata
	FallbackMixed    *bool          `yaml:"fallback_mixed"`
	FirstLabel       *int           `yaml:"first_label"`
	Headers          []RecordHeader `yaml:"headers"` // extra header fields of every request
}

// checkDialect sees that the switches of a dialect make sense.
func (r *reader) checkDialect(key string, d *Dialect) {
	if n := d.MaxStreams; n != nil && *n < 0 {
		r.fail(key+".max_streams", "wants 0 or more, has %d", *n)
	}
	if n := d.FirstLabel; n != nil && *n < 1 {
		r.fail(key+".first_label", "wants 1 or more, has %d", *n)
	}
	if t := d.MinInterval; t != nil && (*t <= 0 || *t > time.Minute) {
		r.fail(key+".min_interval", "wants more than 0s, and 1m at most, has %v", *t)
	}
}

// RecordHeader is a header field for a recorder.
type RecordHeader struct {
	Name  string `yaml:"name"`
	Value string `yaml:"value"`
}

// checkServers sees that policies name recorders, or groups of them, that exist. The embedded recorder is called "embedded".
func (r *reader) checkServers(key string, names []string, cfg *Config) {
	for i, name := range names {
		known := slices.ContainsFunc(cfg.Recording.Servers, func(s RecordingServer) bool { return s.Name == name || s.Group == name })
		if !known && (name != EmbeddedServer || !cfg.SRS.Enabled) {
			r.fail(fmt.Sprintf("%s[%d]", key, i), "no recording server is called %q", name)
		}
	}
}

// EmbeddedServer is the name of the recorder inside `parley serve`.
const EmbeddedServer = "embedded"

// spoolServer is the name under which the spool appears among the servers of a recording.
const spoolServer = "spool"

func (r *reader) checkRecorders(cfg *Config) {
	names := map[string]bool{}
	for i := range cfg.Recording.Servers {
		server := &cfg.Recording.Servers[i]
		key := fmt.Sprintf("recording.servers[%d]", i)
		switch {
		case server.Name == "":
			r.fail(key+".name", "wants a name")
		case names[server.Name]:
			r.fail(key+".name", "%q stands twice", server.Name)
		case server.Name == EmbeddedServer, server.Name == spoolServer:
			r.fail(key+".name", "%q has a meaning of its own", server.Name)
		}
		names[server.Name] = true
		r.checkRecorder(key, server, &cfg.SIP)
		r.checkProtection(key, server, cfg)
	}
	for i := range cfg.Recording.Servers {
		r.checkAlone(fmt.Sprintf("recording.servers[%d]", i), &cfg.Recording.Servers[i])
	}
	if s := &cfg.Recording.Seal; s.KeyFile != "" && s.Directory == "" {
		r.fail("recording.seal.key_file", "wants recording.seal.directory beside it, for the manifests")
	}
	if s := &cfg.Recording.Spool; s.Directory != "" {
		if _, ok := s.Octets(); !ok {
			r.fail("recording.spool.key", "wants 32 octets in base64 or hexadecimal, as from openssl rand -base64 32")
		}
		if cfg.Recording.Hold == 0 {
			r.fail("recording.hold", "wants some seconds for the spool to be filled from")
		}
	}
	for i := range cfg.Recording.Servers {
		if group := cfg.Recording.Servers[i].Group; names[group] || group == EmbeddedServer {
			r.fail(fmt.Sprintf("recording.servers[%d].group", i), "%q is the name of a server", group)
		}
	}
}

func (r *reader) checkRecorder(key string, server *RecordingServer, sip *SIP) {
	if !sipURI(server.URI) {
		r.fail(key+".uri", "wants a SIP URI such as sip:srs@10.0.0.9:5060;transport=tcp, has %q", server.URI)
	}
	r.checkCodecs(key+".codecs", server.Codecs)
	r.checkAccount(key, server)
	r.checkStarts(key+".may_start", server.MayStart, sip)
	for sub, n := range map[string]int{
		".persistent": server.Persistent, ".weight": server.Weight, ".probe.down_after": server.Probe.DownAfter, ".probe.up_after": server.Probe.UpAfter,
		".retry.attempts": server.Retry.Attempts, ".retry.break_after": server.Retry.BreakAfter,
	} {
		if n < 0 {
			r.fail(key+sub, "wants 0 or more, has %d", n)
		}
	}
	r.checkDialect(key+".dialect", &server.Dialect)
	for i, pattern := range server.Metadata.Headers {
		if _, err := path.Match(pattern, ""); err != nil || pattern == "" || strings.ContainsAny(pattern, ": \t\r\n/") {
			r.fail(fmt.Sprintf("%s.metadata.headers[%d]", key, i), "wants the name of a header field, with * for any text, has %q", pattern)
		}
	}
	for i, f := range server.Metadata.Fields {
		if f.Name == "" {
			r.fail(fmt.Sprintf("%s.metadata.fields[%d]", key, i), "wants a name")
		}
	}
	for i, h := range server.Dialect.Headers {
		if h.Name == "" || strings.ContainsAny(h.Name, ": \t\r\n") || strings.ContainsAny(h.Value, "\r\n") {
			r.fail(fmt.Sprintf("%s.dialect.headers[%d]", key, i), "is no header field")
		}
	}
}

// checkAccount sees that challenges of a recorder can be answered, and that it redirects to hosts.
func (r *reader) checkAccount(key string, server *RecordingServer) {
	switch {
	case server.Username != "" && server.Password == "":
		r.fail(key+".password", "wants a password for %q", server.Username)
	case server.Username == "" && server.Password != "":
		r.fail(key+".username", "wants a name beside the password")
	case server.Username == "" && server.Realm != "":
		r.fail(key+".realm", "wants recording.servers[].username beside it")
	}
	for i, host := range server.Redirect {
		if _, err := path.Match(host, ""); err != nil || host == "" || strings.ContainsAny(host, "/@; \t") || strings.Contains(host, "sip:") {
			r.fail(fmt.Sprintf("%s.redirects[%d]", key, i), "wants a host, with * for any text, has %q", host)
		}
	}
}

// checkStarts sees that a recorder begins by itself only from where it has proved to be: From proves nothing, and it gets everything.
func (r *reader) checkStarts(key string, from []string, sip *SIP) {
	r.checkRule(key, from, sip, true)
	for i, entry := range from {
		if entry == "*" || strings.Contains(entry, "@") {
			r.fail(fmt.Sprintf("%s[%d]", key, i), "wants user:, role:, trunk: or a network, has %q", entry)
		}
	}
}

// checkAlone refuses what a persistent session cannot have.
func (r *reader) checkAlone(key string, s *RecordingServer) {
	if s.Persistent <= 0 {
		if s.Merge {
			r.fail(key+".merge", "wants persistent to be at least 1")
		}
		return
	}
	if n := s.Dialect.MaxStreams; n != nil && *n > 0 && *n < s.Persistent {
		r.fail(key+".persistent", "wants no more than max_streams, %d, has %d", *n, s.Persistent)
	}
}

// checkMerged sees that nobody has to take over what is merged with other conferences: a frame of it is of all of them.
func (r *reader) checkMerged(key string, p *RecordingPolicy, cfg *Config) {
	defaults := &cfg.ConferenceDefaults.Recording
	names := p.Servers
	if len(names) == 0 {
		names = defaults.Servers
	}
	var members []*RecordingServer
	for i := range cfg.Recording.Servers {
		s := &cfg.Recording.Servers[i]
		if slices.Contains(names, s.Name) || s.Group != "" && slices.Contains(names, s.Group) {
			members = append(members, s)
		}
	}
	count := len(members)
	if slices.Contains(names, EmbeddedServer) {
		count++
	}
	parallel := cmp.Or(p.Select, defaults.Select) == "parallel" || max(1, cmp.Or(p.Copies, defaults.Copies)) >= count
	for _, s := range members {
		if s.Persistent <= 0 || !s.Merge {
			continue
		}
		if !parallel {
			r.fail(key+".select", "wants parallel: conferences are merged at %q, and no other server can take over one of them", s.Name)
		}
	}
}

// checkPolicy sees that a policy asks for no more than there is.
func (r *reader) checkPolicy(key string, p *RecordingPolicy, cfg *Config) {
	r.checkServers(key+".servers", p.Servers, cfg)
	r.checkMerged(key, p, cfg)
	if p.Spool != nil && *p.Spool && cfg.Recording.Spool.Directory == "" {
		r.fail(key+".spool", "wants recording.spool.directory")
	}
	if p.Copies < 0 {
		r.fail(key+".copies", "wants 0 or more, has %d", p.Copies)
	}
	copies := p.Copies
	if copies == 0 && (p.Select == "failover" || p.Select == "balance") {
		copies = 1
	}
	if copies > 0 && p.Select == "parallel" {
		r.fail(key+".copies", "all servers record when they are parallel; wants select: failover or balance")
	}
	if p.Quorum < 0 || copies > 0 && p.Quorum > copies {
		r.fail(key+".quorum", "wants 0 to the number of copies (%d), has %d", copies, p.Quorum)
	}
}
