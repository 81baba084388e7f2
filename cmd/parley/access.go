package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/access"
	"github.com/parley-sip/parley/internal/config"
	"github.com/parley-sip/parley/internal/sipua"
	"github.com/parley-sip/parley/internal/trunks"
)

// accessConfig are the rules of who may come in and who may be called.
func accessConfig(cfg *config.Config) (access.Config, error) {
	networks, err := prefixes(cfg.SIP.Allow)
	if err != nil {
		return access.Config{}, err
	}
	out := access.Config{
		Realm: cfg.SIP.Realm, Networks: networks, DialOut: cfg.SIP.DialOut.Allow, Domain: cfg.SIP.Domain,
		Algorithms: cfg.SIP.Digest, Failures: cfg.SIP.Bans.Failures, Window: cfg.SIP.Bans.Window, Ban: cfg.SIP.Bans.Duration, MaxBan: cfg.SIP.Bans.Max,
		OpenTakeover: cfg.SIP.Takeover == "anyone",
		Conferences:  map[string]access.Rule{"": {Allow: cfg.ConferenceDefaults.Allow, Deny: cfg.ConferenceDefaults.Deny}},
	}
	for _, user := range cfg.SIP.Users {
		out.Users = append(out.Users, access.User{Name: user.Username, Password: user.Password.Reveal(), Roles: user.Roles})
	}
	for i := range cfg.SIP.Trunks {
		trunk := &cfg.SIP.Trunks[i]
		from, err := prefixes(trunk.Networks)
		if err != nil {
			return access.Config{}, err
		}
		out.Trunks = append(out.Trunks, access.Trunk{Name: trunk.Name, Networks: from, Names: trunk.Names, Roles: trunk.Roles, Trusted: trunk.Trusted})
	}
	for _, conference := range cfg.Conferences {
		rule := out.Conferences[""]
		if conference.Allow != nil {
			rule.Allow = conference.Allow
		}
		if conference.Deny != nil {
			rule.Deny = conference.Deny
		}
		out.Conferences[conference.ID] = rule
	}
	return out, nil
}

// answers are those to challenges of a trunk.
func (s *service) answers(trunk string) *sipua.Credentials {
	if set := s.trunks.Load(); set != nil {
		return set.Credentials(trunk)
	}
	return nil
}

// trunkConfigs are the trunks as they are registered and called.
func trunkConfigs(list []config.Trunk) ([]trunks.Config, error) {
	var out []trunks.Config
	for i := range list {
		trunk := &list[i]
		uri, err := sipua.ParseURI(trunk.URI)
		if err != nil {
			return nil, fmt.Errorf("sip.trunks[%d].uri: %w", i, err)
		}
		ready := trunks.Config{
			Name: trunk.Name, URI: uri, Username: trunk.Username, Password: trunk.Password.Reveal(), Realm: trunk.Realm,
			Register: trunk.Register, Expires: trunk.Expires, Numbers: trunk.Numbers, Keepalive: trunk.Keepalive,
		}
		if trunk.Proxy != "" {
			if ready.Proxy, err = sipua.ParseURI(trunk.Proxy); err != nil {
				return nil, fmt.Errorf("sip.trunks[%d].proxy: %w", i, err)
			}
		}
		if trunk.Cert != "" {
			ready.Certificate = trunk.Name
		}
		out = append(out, ready)
	}
	return out, nil
}

// way tells how a target is called: by a trunk, if it is one of its numbers, or as it is, if the rules allow it.
func (s *service) way(target sipua.URI) (sipua.URI, *sipua.Trunk, error) {
	uri, by, listed := target, (*sipua.Trunk)(nil), false
	if set := s.trunks.Load(); set != nil {
		uri, by, listed = set.Route(target)
	}
	if !listed && !s.gate.MayCall(target) {
		return sipua.URI{}, nil, fmt.Errorf("%w: %s is not in sip.dial_out.allow", focus.ErrForbidden, cmp.Or(target.Host, target.String()))
	}
	return uri, by, nil
}

// mayEnter asks the rules of a conference that was not the one called.
func (s *service) mayEnter(id conference.ID, request *sipua.Request) bool {
	return s.gate.MayEnter(string(id), request)
}

// startFocus lets calls in.
func (s *service) startFocus(ctx context.Context, cfg *config.Config) error {
	rules, err := accessConfig(cfg)
	if err != nil {
		return err
	}
	if s.gate, err = access.New(rules); err != nil {
		return err
	}
	certificates, err := tlsSettings(&cfg.SIP)
	if err != nil {
		return err
	}
	recorderTLS, err := ownTLS("srs.tls", &cfg.SRS.TLS)
	if err != nil {
		return err
	}
	shown := s.shownCertificates(certificates, recorderTLS)
	s.certificates.Store(&shown)
	settings := agentConfig(cfg, certificates, s.log)
	settings.Ignore = s.gate.Banned
	s.limitLoad(cfg.Limits.CPU, &settings) //nolint:contextcheck // for as long as the service runs
	s.agent, err = sipua.New(settings, &admission{next: s.focus, record: s.focus.CallRefused, gate: s.gate, refused: s.metrics.AuthFailure, answers: s.answers, log: s.log})
	if err != nil {
		return err
	}
	s.focus.Serve(s.agent)                                     //nolint:contextcheck // what it starts lives on
	s.onClose("HTTP server", func(ctx context.Context) error { // before those below, so it is closed after them
		if s.control == nil {
			return nil
		}
		return s.control.Close(ctx)
	})
	if err = s.agent.Start(ctx); err != nil {
		return errors.Join(err, s.focus.Shutdown(ctx))
	}
	s.onClose("SIP agent", s.agent.Shutdown)
	peers, err := trunkConfigs(cfg.SIP.Trunks)
	if err != nil {
		return errors.Join(err, s.focus.Shutdown(ctx))
	}
	set := trunks.New(peers, cfg.SIP.Domain, s.agent, s.log)
	set.Start()
	s.trunks.Store(set)
	s.onClose("trunks", set.Close)
	s.onClose("focus", s.focus.Shutdown) // first: it says BYE by the agent
	return nil
}

// limitLoad makes the agent refuse new calls while the processors are busy beyond a limit, in per cent; 0: there is none.
func (s *service) limitLoad(limit int, settings *sipua.Config) {
	var load processorLoad
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		load.watch(ctx)
	}()
	s.cpuLimit.Store(int64(limit))
	settings.Overloaded = func() bool {
		limit := s.cpuLimit.Load()
		return limit > 0 && load.percent.Load() > limit
	}
	s.onClose("load", func(context.Context) error {
		cancel()
		<-done
		return nil
	})
}
