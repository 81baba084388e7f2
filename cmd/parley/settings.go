package main

import (
	"cmp"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/config"
	"github.com/parley-sip/parley/internal/control"
	"github.com/parley-sip/parley/internal/media"
	"github.com/parley-sip/parley/internal/sipua"
	"github.com/parley-sip/parley/mixer"
	"github.com/parley-sip/parley/siprec/srs"
)

// This file turns the checked configuration into each package's own. What config has checked cannot fail here; what it has not is an
// error of the package that takes it.

func logger(cfg config.Log, to io.Writer) *slog.Logger { return leveled(cfg, to, levelOf(cfg)) }

func levelOf(cfg config.Log) slog.Level {
	var level slog.Level
	_ = level.UnmarshalText([]byte(cfg.Level)) // checked by config
	return level
}

// leveled is a logger whose level may change.
func leveled(cfg config.Log, to io.Writer, level slog.Leveler) *slog.Logger {
	options := &slog.HandlerOptions{Level: level}
	if cfg.Format == "json" {
		return slog.New(slog.NewJSONHandler(to, options))
	}
	return slog.New(slog.NewTextHandler(to, options))
}

func agentConfig(cfg *config.Config, settings sipua.TLS, log *slog.Logger) sipua.Config {
	return sipua.Config{
		TLS: settings, Origins: cfg.SIP.Origins, Resolvers: cfg.SIP.Resolver,
		Listen: cfg.SIP.Listen, ExternalAddress: cfg.SIP.ExternalAddress, Domain: cfg.SIP.Domain, UserAgent: "parley/" + version,
		AllowEvents: []string{"conference"}, Logger: log,
		Supported: []string{"100rel", "norefersub", "replaces", "join", focus.RecordAware}, SupportedFor: focus.SupportedFor(cfg.SIP.Factory),
		Accept: focus.AcceptedTypes(), Methods: focus.Methods(),
		SessionIDs:   true,
		SessionTimer: sipua.SessionTimer{Interval: cfg.SIP.SessionTimer.Default, Min: cfg.SIP.SessionTimer.Min},
		Limits:       sipua.Limits{MaxCalls: cfg.Limits.Calls, CallsPerSecond: cfg.Limits.CallsPerSecond, CallsPerSource: cfg.Limits.PerSource},
	}
}

func referPolicy(cfg config.Refer) focus.ReferPolicy {
	from := map[string]focus.ReferFrom{
		"moderators": focus.ReferModerators, "participants": focus.ReferParticipants, "anyone": focus.ReferAnyone, "nobody": focus.ReferNobody,
	}
	return focus.ReferPolicy{From: from[cfg.From], Targets: cfg.Targets}
}

//nolint:gochecknoglobals // a table
var lasting = map[string]focus.Lasting{"creator": focus.WithCreator, "empty": focus.WhileUsed, "duration": focus.ForDuration}

// mixerConfig has each thread that mixes make the system calls of packets together, where that is wanted and the system allows it.
func mixerConfig(cfg config.Media, log *slog.Logger) mixer.Config {
	c := mixer.Config{Workers: cfg.Workers}
	if cfg.IOUring {
		var told sync.Once // there is a thread for each processor
		c.Calls = func() mixer.Calls {
			batch, err := media.NewBatch()
			if err != nil {
				told.Do(func() { log.Info("each packet has its own system call", slog.Any("error", err)) })
				return nil
			}
			return batch
		}
	}
	return c
}

func mediaConfig(cfg config.Media, log *slog.Logger) media.Config {
	external, _ := netip.ParseAddr(cfg.ExternalAddress) // checked by config; empty is invalid, which means none
	return media.Config{
		ListenAddress: netip.MustParseAddr(cfg.ListenAddress), ExternalAddress: external,
		PortMin: uint16(cfg.Ports[0]), PortMax: uint16(cfg.Ports[1]), //nolint:gosec // checked by config
		JitterMin: cfg.JitterBuffer.Min, JitterMax: cfg.JitterBuffer.Max, Symmetric: cfg.Symmetric, Logger: log,
	}
}

func keying(cfg *config.Media) focus.Keying {
	uses := map[string]focus.ICE{"disabled": focus.ICEDisabled, "answer": focus.ICEAnswered, "offer": focus.ICEOffered}
	return focus.Keying{DTLS: cfg.DTLS != "disabled", PreferDTLS: cfg.DTLS == "prefer", Opportunistic: cfg.Opportunistic, ICE: uses[cfg.ICE]}
}

//nolint:gochecknoglobals // a table
var replacing = map[string]focus.ReplacePolicy{"admitted": focus.ReplaceAdmitted, "referred": focus.ReplaceReferred, "own": focus.ReplaceOwn}

//nolint:gochecknoglobals // a table
var uses = map[string]focus.Use{"disabled": focus.UseNever, "answer": focus.UseAnswered, "offer": focus.UseOffered}

func focusConfig(cfg *config.Config, recorders []focus.Recorder) focus.Config {
	out := focus.Config{
		Security:    securities[cfg.Media.SRTP],
		Keying:      keying(&cfg.Media),
		KeysInClear: cfg.Media.SDESInClear, AllowInsecure: cfg.Recording.AllowInsecure,
		Domain: cfg.SIP.Domain, Codecs: codecList(cfg.Media.Codecs), OpusBitrate: cfg.Media.Opus.Bitrate, OpusDTX: cfg.Media.Opus.DTX, ComfortNoise: cfg.Media.ComfortNoise,
		HideLevels: cfg.Media.HideLevels, ExtendedReports: uses[cfg.Media.RTCPXR], Redundancy: uses[cfg.Media.Redundancy],
		OpusComplexity: cmp.Or(cfg.Media.Opus.Complexity, codecs.LowestComplexity), Dynamic: cfg.ConferenceDefaults.Dynamic,
		Recorders: recorders, Hold: orNone(cfg.Recording.Hold), Encode: !cfg.Recording.Passthrough, MediaTimeout: cfg.Media.Timeout, NotifyInterval: cfg.Events.MinInterval,
		Ring: cfg.SIP.Ring, Factory: cfg.SIP.Factory, FactoryLasts: lasting[cfg.SIP.FactoryLasts], Refer: referPolicy(cfg.SIP.Refer), Replace: replacing[cfg.SIP.Replaces],
		Notification: focus.Notification{
			ToneInterval: cfg.Recording.Notification.ToneInterval, Announce: cfg.Recording.Notification.Announce,
		},
		NotifyRate: cfg.Events.NotifyRate,
		Door:       doorConfig(&cfg.Door), Menu: menuConfig(&cfg.Menus), Access: accessNumbers(cfg.Access),
		Limits: focus.Limits{
			Conferences: cfg.Limits.Conferences, Creations: cfg.Limits.Creations, Participants: cfg.Limits.Calls,
			Subscriptions: cfg.Limits.Subscriptions, SubscriptionsPerSource: cfg.Limits.SubscriptionsPerSource,
		},
	}
	d := cfg.ConferenceDefaults
	out.Defaults = focus.ConferenceConfig{
		MaxParticipants: d.MaxParticipants, MaxSpeakers: d.MaxSpeakers, MutedOnEntry: d.MutedOnEntry, Grace: d.EmptyTimeout,
		Recording: recordingConfig(d.Recording, d.Recording, recorders), Roster: rosterPolicy(d.Roster, d.Roster),
		About: focus.About{Host: hostConfig(d.Host)},
		Audio: soundConfig(d.Audio, d.Audio), LookAhead: d.Audio.LookAhead, PassDTMF: d.PassDTMF,
		PIN: focus.PIN(d.PIN.Reveal()), ModeratorPIN: focus.PIN(d.ModeratorPIN.Reveal()),
	}
	live(&out.Defaults, &d.Life, d.Entry)
	for _, c := range cfg.Conferences {
		static := out.Defaults
		static.ID, static.Name, static.Locked = conference.ID(c.ID), c.Name, c.Locked
		static.Opens, static.Closes, _ = c.Times() // checked by config
		pin, moderator := c.PINs(&d)
		static.PIN, static.ModeratorPIN = focus.PIN(pin.Reveal()), focus.PIN(moderator.Reveal())
		static.MaxParticipants = override(c.MaxParticipants, static.MaxParticipants)
		static.MaxSpeakers = override(c.MaxSpeakers, static.MaxSpeakers)
		static.MutedOnEntry = override(c.MutedOnEntry, static.MutedOnEntry)
		if c.About != nil {
			static.About = aboutConfig(*c.About, d.Host)
		}
		if c.Roster != nil {
			static.Roster = rosterPolicy(*c.Roster, d.Roster)
		}
		static.PassDTMF = override(c.PassDTMF, static.PassDTMF)
		if c.Audio != nil {
			static.Audio, static.LookAhead = soundConfig(*c.Audio, d.Audio), c.Audio.LookAhead
		}
		life := c.Over(d.Life)
		live(&static, &life, cmp.Or(c.Entry, d.Entry))
		static.Calls = callList(&c.DialOut)
		if c.Recording != nil {
			static.Recording = recordingConfig(*c.Recording, d.Recording, recorders)
		}
		out.Conferences = append(out.Conferences, static)
	}
	return out
}

// orNone turns nothing into what a package takes for nothing rather than for its default.
func orNone(d time.Duration) time.Duration {
	if d == 0 {
		return -1
	}
	return d
}

func override[T any](value *T, otherwise T) T {
	if value != nil {
		return *value
	}
	return otherwise
}

// soundConfig takes from the defaults what is zero, and switches off what is not enabled.
func soundConfig(a, defaults config.Audio) mixer.Sound {
	s := mixer.Sound{RemoveDC: a.DCRemoval, Gaps: a.GapNoise}
	if a.NoiseGate.Enabled {
		s.Gate.Threshold = uint8(-cmp.Or(a.NoiseGate.Threshold, defaults.NoiseGate.Threshold)) //nolint:gosec // checked by config
	}
	if a.AGC.Enabled {
		s.Gain = mixer.AutoGain{
			Target: uint8(-cmp.Or(a.AGC.Target, defaults.AGC.Target)), //nolint:gosec // checked by config
			MaxDB:  float64(cmp.Or(a.AGC.MaxGain, defaults.AGC.MaxGain)), RateDB: float64(cmp.Or(a.AGC.Rate, defaults.AGC.Rate)),
		}
	}
	return s
}

// recordingConfig completes a policy by the defaults. Without servers the first one there is records.
func recordingConfig(p, defaults config.RecordingPolicy, recorders []focus.Recorder) conference.RecordingConfig {
	var out conference.RecordingConfig
	for _, policy := range []conference.RecordingPolicy{conference.OnDemand, conference.Always, conference.Never} {
		if policy.String() == cmp.Or(p.Policy, defaults.Policy) {
			out.Policy = policy
		}
	}
	for _, policy := range []conference.FailurePolicy{conference.OnFailureNotify, conference.OnFailureContinue, conference.OnFailureTerminate} {
		if policy.String() == cmp.Or(p.OnFailure, defaults.OnFailure) {
			out.OnFailure = policy
		}
	}
	how := cmp.Or(p.Select, defaults.Select)
	out.Copies, out.Quorum, out.Balance = cmp.Or(p.Copies, defaults.Copies), cmp.Or(p.Quorum, defaults.Quorum), how == "balance"
	if how == "parallel" {
		out.Copies = 0 // all
	} else {
		out.Copies = max(1, out.Copies)
	}
	out.NoExclusion = cmp.Or(p.Exclusion, defaults.Exclusion) == "forbidden"
	out.Sidebars = cmp.Or(p.Sidebars, defaults.Sidebars) == "same"
	out.NoText = cmp.Or(p.Text, defaults.Text) == "none"
	if cmp.Or(p.Pair, defaults.Pair) == "moderators" {
		out.Pair = conference.PairModerators
	}
	out.MaskTone = cmp.Or(p.Masking, defaults.Masking) == "tone"
	for _, policy := range []conference.KeyPolicy{conference.KeepKeys, conference.SuppressKeys, conference.MaskKeys} {
		if policy.String() == cmp.Or(p.Keys, defaults.Keys) {
			out.Keys = policy
		}
	}
	for _, policy := range []conference.PreferencePolicy{
		conference.PreferencesOfModerators, conference.PreferencesOfAll, conference.PreferencesForSelf, conference.PreferencesIgnored,
	} {
		if policy.String() == cmp.Or(p.Preferences, defaults.Preferences) {
			out.Preferences = policy
		}
	}
	out.Spool = override(p.Spool, override(defaults.Spool, true)) // counts only where there is one
	modes := p.Mode
	if len(modes) == 0 {
		modes = defaults.Mode
	}
	out.Modes, _ = conference.ParseModes(modes) // checked by config
	if out.Servers = p.Servers; len(out.Servers) == 0 {
		out.Servers = defaults.Servers
	}
	if len(out.Servers) == 0 && len(recorders) > 0 {
		out.Servers = []string{recorders[0].Name}
	}
	return out
}

func codecList(names []string) []codecs.Codec {
	known := map[string]codecs.Codec{
		"opus": codecs.Opus, "g722": codecs.G722, "pcmu": codecs.PCMU, "pcma": codecs.PCMA,
		"l16/8000": codecs.L16At8000, "l16/16000": codecs.L16At16000, "l16/44100": codecs.L16At44100, "l16/48000": codecs.L16At48000,
	}
	out := make([]codecs.Codec, 0, len(names))
	for _, name := range names {
		out = append(out, known[strings.ToLower(name)])
	}
	return out
}

// formats are those of the files of the reference recorder.
//
//nolint:gochecknoglobals // table
var formats = map[string]srs.Format{"wav": srs.FormatWAV, "opus": srs.FormatOpus, "native": srs.FormatNative}

func recorderConfig(cfg *config.Config, log *slog.Logger) (srs.Config, error) {
	tls, err := ownTLS("srs.tls", &cfg.SRS.TLS)
	return srs.Config{
		TLS: tls, Security: securities[cfg.SRS.SRTP], NoDTLS: cfg.SRS.DTLS == "disabled", Strict: cfg.SRS.Strict, Format: formats[cfg.SRS.Format], KeysInClear: cfg.Media.SDESInClear,
		Listen: cfg.SRS.Listen, Directory: cfg.SRS.Directory, UserAgent: "parley-srs/" + version, Logger: log,
		MinFree: int64(cfg.SRS.MinFree), Sync: cfg.SRS.Sync, PacketTime: cfg.SRS.PacketTime, NoComfortNoise: !cfg.SRS.ComfortNoise,
		Retention: srs.Retention{Age: cfg.SRS.Retention.Age, Size: int64(cfg.SRS.Retention.Size)},
	}, err
}

func controlConfig(cfg *config.Config, log *slog.Logger) (control.Config, error) {
	out := control.Config{Listen: cfg.HTTP.Listen, Page: cfg.HTTP.Page, Most: cfg.HTTP.MaxConnections, Version: version, Logger: log}
	out.Tokens = tokens(cfg.HTTP.Tokens)
	if key := cfg.SRS.Signing; key.Key != "" {
		var err error
		if out.Signer, err = loadSigner(key.Key, key.Cert); err != nil {
			return out, fmt.Errorf("srs.signing: %w", err)
		}
	}
	return out, nil
}

func tokens(list []config.Token) []control.Token {
	out := make([]control.Token, 0, len(list))
	for _, token := range list {
		out = append(out, control.Token{
			Name: token.Name, Secret: token.Token.Reveal(), ReadOnly: token.Scope != "admin", Listen: token.Scope == "listen",
		})
	}
	return out
}

func prefixes(allow []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, text := range allow {
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("sip.allow: %w", err)
		}
		out = append(out, prefix.Masked())
	}
	return out, nil
}
