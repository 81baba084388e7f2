package config

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

//nolint:gochecknoglobals // a table
var codecNames = []string{"opus", "g722", "pcmu", "pcma", "l16/8000", "l16/16000", "l16/44100", "l16/48000"}

// transports are those of SIP listeners. The recorder has the first three.
//
//nolint:gochecknoglobals // a table
var transports = []string{"udp", "tcp", "tls", "ws", "wss"}

const (
	maxPort        = 65535
	minMediaPorts  = 4 // two participants
	maxOpusBitrate = 510000
	minOpusBitrate = 6000
	maxComplexity  = 10
	minToneEvery   = time.Second
	maxHold        = 30 * time.Second
	minPacketTime  = 10 * time.Millisecond
	maxPacketTime  = 60 * time.Millisecond
	maxRing        = time.Minute
	leastSession   = 90 * time.Second // RFC 4028, section 5
)

// check finds what is wrong with the meaning of values that are of the right kind.
func (r *reader) check(cfg *Config) {
	r.checkSIP(&cfg.SIP)
	r.checkMedia(&cfg.Media)
	r.checkConferences(cfg)
	r.checkRecording(cfg)
	r.checkPrompts(&cfg.Prompts)
	r.checkApplications(cfg)
	r.checkDoor(cfg)
	r.checkMenus(&cfg.Menus)
	r.checkListen("srs.listen", cfg.SRS.Listen, transports[:3])
	r.checkTLS("srs", cfg.SRS.Listen, &cfg.SRS.TLS)
	if _, _, err := net.SplitHostPort(cfg.SRS.HTTPListen); err != nil && cfg.SRS.HTTPListen != "" {
		r.fail("srs.http_listen", "wants host:port, has %q", cfg.SRS.HTTPListen)
	}
	if cfg.SRS.Signing.Cert != "" && cfg.SRS.Signing.Key == "" {
		r.fail("srs.signing.cert", "wants srs.signing.key beside it")
	}
	if t := cfg.SRS.PacketTime; t < minPacketTime || t > maxPacketTime || t%minPacketTime != 0 {
		r.fail("srs.packet_time", "wants 10ms to 60ms in steps of 10ms, has %v", t)
	}
	if cfg.SRS.Enabled && cfg.SRS.Directory == "" {
		r.fail("srs.directory", "wants a directory")
	}
	if _, _, err := net.SplitHostPort(cfg.HTTP.Listen); err != nil {
		r.fail("http.listen", "wants host:port, has %q", cfg.HTTP.Listen)
	}
	r.checkTokens(cfg.HTTP.Tokens)
	r.checkSockets(cfg)
	for key, n := range map[string]int{
		"limits.calls": cfg.Limits.Calls, "limits.calls_per_second": cfg.Limits.CallsPerSecond, "limits.per_source": cfg.Limits.PerSource, "limits.cpu": cfg.Limits.CPU, "limits.conferences": cfg.Limits.Conferences,
		"conference_defaults.max_participants": cfg.ConferenceDefaults.MaxParticipants,
		"conference_defaults.max_speakers":     cfg.ConferenceDefaults.MaxSpeakers, "media.workers": cfg.Media.Workers,
		"limits.subscriptions_per_source": cfg.Limits.SubscriptionsPerSource, "limits.creations": cfg.Limits.Creations, "http.max_connections": cfg.HTTP.MaxConnections,
	} {
		if n < 0 {
			r.fail(key, "wants 0 or more, has %d", n)
		}
	}
	for key, n := range map[string]int{"limits.subscriptions": cfg.Limits.Subscriptions, "events.notify_rate": cfg.Events.NotifyRate} {
		if n < 1 {
			r.fail(key, "wants 1 or more, has %d", n)
		}
	}
}

// checkTokens wants each token to be of one: which scope it has would be a matter of order otherwise.
func (r *reader) checkTokens(tokens []Token) {
	for i, token := range tokens {
		key := fmt.Sprintf("http.tokens[%d].token", i)
		if token.Token == "" {
			r.fail(key, "wants a text")
		} else if first := slices.IndexFunc(tokens, func(t Token) bool { return t.Token == token.Token }); first < i {
			r.fail(key, "is the same as that of http.tokens[%d]", first)
		}
	}
}

// checkSockets finds addresses that are to be listened at twice. WebSockets, TLS and HTTP have TCP below.
func (r *reader) checkSockets(cfg *Config) {
	taken := map[string]string{}
	take := func(key, network, address string) {
		if _, port, err := net.SplitHostPort(address); err != nil || port == "0" {
			return // said elsewhere; any free port
		}
		if first, twice := taken[network+address]; twice {
			r.fail(key, "%s is the address of %s already", address, first)
			return
		}
		taken[network+address] = key
	}
	listen := func(key string, urls []string) {
		for i, text := range urls {
			scheme, address, _ := strings.Cut(text, "://")
			if scheme != "udp" {
				scheme = "tcp"
			}
			take(fmt.Sprintf("%s[%d]", key, i), scheme, address)
		}
	}
	listen("srs.listen", cfg.SRS.Listen)
	clear(taken) // parley srs listens at no others
	listen("sip.listen", cfg.SIP.Listen)
	take("http.listen", "tcp", cfg.HTTP.Listen)
}

func (r *reader) checkSIP(sip *SIP) {
	if len(sip.Listen) == 0 {
		r.fail("sip.listen", "wants at least one of udp://, tcp://, tls://, ws://, wss:// with host:port")
	}
	r.checkListen("sip.listen", sip.Listen, transports)
	r.checkTLS("sip", sip.Listen, &sip.TLS)
	r.checkUsers(sip)
	r.checkTrunks(sip)
	for i, server := range sip.Resolver {
		if _, err := netip.ParseAddrPort(server); err != nil {
			r.fail(fmt.Sprintf("sip.resolver[%d]", i), "wants address:port of a DNS server, has %q", server)
		}
	}
	if sip.Ring < 0 || sip.Ring > maxRing {
		r.fail("sip.ring", "wants 0 to %v, has %v", maxRing, sip.Ring)
	}
	if sip.SessionTimer.Default != 0 && sip.SessionTimer.Default < leastSession {
		r.fail("sip.session_timer.default", "wants %v or more, or 0 for none, has %v", leastSession, sip.SessionTimer.Default)
	}
	if sip.SessionTimer.Min < leastSession || sip.SessionTimer.Default != 0 && sip.SessionTimer.Min > sip.SessionTimer.Default {
		r.fail("sip.session_timer.min", "wants %v up to sip.session_timer.default, has %v", leastSession, sip.SessionTimer.Min)
	}
	for i, pattern := range sip.Refer.Targets {
		if _, err := path.Match(pattern, ""); err != nil {
			r.fail(fmt.Sprintf("sip.refer.targets[%d]", i), "wants a pattern such as *@example.com, has %q", pattern)
		}
	}
	for i, text := range sip.Allow {
		if _, err := netip.ParsePrefix(text); err != nil {
			r.fail(fmt.Sprintf("sip.allow[%d]", i), "wants a network such as 10.0.0.0/8 or ::1/128, has %q", text)
		}
	}
	if sip.ExternalAddress != "" {
		if _, err := netip.ParseAddr(sip.ExternalAddress); err != nil {
			r.fail("sip.external_address", "wants an IP address, has %q", sip.ExternalAddress)
		}
	}
}

func (r *reader) checkTLS(section string, listen []string, tls *TLS) {
	for i, text := range listen {
		if (strings.HasPrefix(text, "tls:") || strings.HasPrefix(text, "wss:")) && tls.Cert == "" {
			r.fail(fmt.Sprintf("%s.listen[%d]", section, i), "needs %s.tls.cert and %s.tls.key", section, section)
		}
	}
	if (tls.Cert == "") != (tls.Key == "") {
		r.fail(section+".tls", "wants cert and key, or neither")
	}
	if tls.RequireClientCert && tls.ClientCA == "" {
		r.fail(section+".tls.require_client_cert", "needs %s.tls.client_ca", section)
	}
}

func (r *reader) checkListen(key string, listen, accepted []string) {
	for i, text := range listen {
		sub := fmt.Sprintf("%s[%d]", key, i)
		u, err := url.Parse(text)
		if err != nil || u.Host == "" {
			r.fail(sub, "wants transport://host:port, has %q", text)
			continue
		}
		if !slices.Contains(accepted, u.Scheme) {
			r.fail(sub, "transport %q is not accepted; accepted: %s", u.Scheme, strings.Join(accepted, ", "))
		}
		if port, err := strconv.Atoi(u.Port()); err != nil || port < 0 || port > maxPort {
			r.fail(sub, "wants a port from 0 to %d, has %q", maxPort, u.Port())
		}
		if _, err := netip.ParseAddr(u.Hostname()); err != nil {
			r.fail(sub, "wants an IP address to listen on, has %q", u.Hostname())
		}
	}
}

func (r *reader) checkMedia(media *Media) {
	for key, text := range map[string]string{"media.listen_address": media.ListenAddress, "media.external_address": media.ExternalAddress} {
		if _, err := netip.ParseAddr(text); err != nil && (text != "" || key == "media.listen_address") {
			r.fail(key, "wants an IP address, has %q", text)
		}
	}
	if len(media.Ports) != 2 || media.Ports[0] < 1 || media.Ports[1] > maxPort || media.Ports[1]-media.Ports[0]+1 < minMediaPorts {
		r.fail("media.ports", "wants [lowest, highest] with at least %d ports between 1 and %d, has %v", minMediaPorts, maxPort, media.Ports)
	}
	if len(media.Codecs) == 0 {
		r.fail("media.codecs", "wants at least one of %s", strings.Join(codecNames, ", "))
	}
	r.checkCodecs("media.codecs", media.Codecs)
	if media.JitterBuffer.Min > media.JitterBuffer.Max {
		r.fail("media.jitter_buffer.min", "is above media.jitter_buffer.max (%v)", media.JitterBuffer.Max)
	}
	if media.Opus.Bitrate < minOpusBitrate || media.Opus.Bitrate > maxOpusBitrate {
		r.fail("media.opus.bitrate", "wants %d to %d bit/s, has %d", minOpusBitrate, maxOpusBitrate, media.Opus.Bitrate)
	}
	if media.Opus.Complexity < 0 || media.Opus.Complexity > maxComplexity {
		r.fail("media.opus.complexity", "wants 0 to %d, has %d", maxComplexity, media.Opus.Complexity)
	}
}

func (r *reader) checkCodecs(key string, names []string) {
	for i, name := range names {
		sub := fmt.Sprintf("%s[%d]", key, i)
		if !slices.Contains(codecNames, strings.ToLower(name)) {
			r.fail(sub, "wants one of %s, has %q", strings.Join(codecNames, ", "), name)
		} else if slices.Contains(names[:i], name) {
			r.fail(sub, "%s stands twice", name)
		}
	}
}

func (r *reader) checkConferences(cfg *Config) {
	ids := map[string]int{}
	for i, conference := range cfg.Conferences {
		key := fmt.Sprintf("conferences[%d]", i)
		switch first, twice := ids[conference.ID]; {
		case conference.ID == "":
			r.fail(key+".id", "wants the user part of the conference's URI")
		case strings.ContainsAny(conference.ID, " @<>\"\r\n\t/?#"):
			r.fail(key+".id", "%q cannot be the user part of a URI", conference.ID)
		case twice:
			r.fail(key+".id", "%q is conferences[%d] already", conference.ID, first)
		default:
			ids[conference.ID] = i
		}
		r.checkRule(key+".allow", conference.Allow, &cfg.SIP, true)
		r.checkRule(key+".deny", conference.Deny, &cfg.SIP, true)
		if conference.About != nil {
			r.checkAbout(key+".about", conference.About)
		}
		life := conference.Over(cfg.ConferenceDefaults.Life)
		r.checkLife(key, &life, false)
		r.checkTimes(key, &conference)
		r.checkCallList(key+".dial_out", &conference.DialOut)
		if conference.Recording != nil {
			r.checkPolicy(key+".recording", conference.Recording, cfg)
		}
		if conference.Audio != nil {
			r.checkAudio(key+".audio", conference.Audio, true)
		}
	}
	r.checkLife("conference_defaults", &cfg.ConferenceDefaults.Life, true)
	if cfg.SIP.FactoryLasts == "duration" && cfg.ConferenceDefaults.MaxDuration == 0 {
		r.fail("sip.factory_lasts", "duration needs conference_defaults.max_duration")
	}
	r.checkRule("conference_defaults.allow", cfg.ConferenceDefaults.Allow, &cfg.SIP, true)
	r.checkRule("conference_defaults.deny", cfg.ConferenceDefaults.Deny, &cfg.SIP, true)
	r.checkHost("conference_defaults.host", cfg.ConferenceDefaults.Host)
	r.checkAudio("conference_defaults.audio", &cfg.ConferenceDefaults.Audio, false)
	r.checkPolicy("conference_defaults.recording", &cfg.ConferenceDefaults.Recording, cfg)
}

func (r *reader) checkPrompts(prompts *Prompts) {
	if prompts.Language == "" || strings.ContainsAny(prompts.Language, `/\.`) {
		r.fail("prompts.language", "wants the name of a directory in prompts.dir such as en, has %q", prompts.Language)
	}
	if prompts.Dir == "" && prompts.Language != "en" {
		r.fail("prompts.language", "needs prompts.dir: only en is built in, has %q", prompts.Language)
	}
}

func (r *reader) checkRecording(cfg *Config) {
	r.checkRecorders(cfg)
	r.checkRecordingRules(cfg)
	if hold := cfg.Recording.Hold; hold < 0 || hold > maxHold {
		r.fail("recording.hold", "wants 0 to %v, has %v", maxHold, hold)
	}
	if !cfg.Recording.Notification.Tone {
		r.fail("recording.notification.tone", "cannot be switched off: whoever is recorded is told")
	}
	if cfg.Recording.Notification.ToneInterval < minToneEvery {
		r.fail("recording.notification.tone_interval", "wants at least %v, has %v", minToneEvery, cfg.Recording.Notification.ToneInterval)
	}
}
