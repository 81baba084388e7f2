package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/internal/config"
	"github.com/parley-sip/parley/internal/control"
	"github.com/parley-sip/parley/internal/telemetry"
)

// This file is what an operator asks about beside conferences: trunks, bans, connections; and the commands for it.

// Trunks implements control.Operation.
func (s *service) Trunks() []control.TrunkInfo {
	set := s.trunks.Load()
	if set == nil {
		return []control.TrunkInfo{}
	}
	status := set.Status()
	list := make([]control.TrunkInfo, 0, len(status))
	for _, t := range status {
		list = append(list, control.TrunkInfo{
			Name: t.Name, URI: t.URI, State: t.State, Reason: t.Reason, Since: control.Moment(t.Since), RegisteredUntil: control.Moment(t.Until),
		})
	}
	return list
}

// Bans implements control.Operation.
func (s *service) Bans() []control.BanInfo {
	bans := s.gate.Bans()
	list := make([]control.BanInfo, 0, len(bans))
	for _, b := range bans {
		source := b.Source.String()
		if b.Source.IsSingleIP() {
			source = b.Source.Addr().String()
		}
		list = append(list, control.BanInfo{Source: source, Until: *control.Moment(b.Until), Times: b.Times})
	}
	return list
}

// Unban implements control.Operation.
func (s *service) Unban(source netip.Addr) bool { return s.gate.Unban(source) }

// Connections implements control.Operation.
func (s *service) Connections() []control.ConnectionInfo {
	open := s.agent.Connections()
	list := make([]control.ConnectionInfo, 0, len(open))
	for _, c := range open {
		by := "peer"
		if c.Dialed {
			by = "us"
		}
		list = append(list, control.ConnectionInfo{
			Transport: c.Transport, Local: c.Local.String(), Remote: c.Remote.String(), OpenedBy: by, Names: c.Names, Since: *control.Moment(c.Since),
		})
	}
	return list
}

// Reload implements control.Operation.
func (s *service) Reload(ctx context.Context) ([]control.SettingInfo, error) {
	changes, err := s.reload(ctx)
	if errors.Is(err, config.ErrNotLive) {
		return nil, fmt.Errorf("%w: %w", focus.ErrConflict, err)
	}
	if err != nil {
		return nil, err
	}
	list := make([]control.SettingInfo, 0, len(changes))
	for _, c := range changes {
		list = append(list, control.SettingInfo{Key: c.Key, Old: c.Old, New: c.New})
	}
	return list, nil
}

var _ control.Operation = (*service)(nil)

// peers are what the metrics tell of those we talk to.
func (s *service) peers() telemetry.Peers {
	stats := s.agent.Stats()
	out := telemetry.Peers{
		Trunks: map[string]bool{}, Bans: len(s.gate.Bans()), Connections: map[string]int{}, Refused: stats.RefusedConnections, Ignored: stats.Ignored,
	}
	for _, t := range s.Trunks() {
		if t.State != "static" {
			out.Trunks[t.Name] = t.State == "registered" || t.State == "up"
		}
	}
	for _, c := range s.agent.Connections() {
		out.Connections[c.Transport]++
	}
	return out
}

type trunkCommands struct {
	Ls trunkList `cmd:"" help:"List the trunks."`
}

type trunkList struct {
	server
	list
}

// Run lists the trunks.
func (c *trunkList) Run(ctx context.Context, t *terminal) error {
	var found json.RawMessage
	if err := c.client().get(ctx, "/trunks", &found); err != nil {
		return err
	}
	return t.show(c.JSON, found, "name", "uri", "state", "since", "registered_until", "reason")
}

type banCommands struct {
	Ls banList   `cmd:"" help:"List the sources that are ignored."`
	Rm banRemove `cmd:"" help:"Let a source try again."`
}

type banList struct {
	server
	list
}

// Run lists the bans.
func (c *banList) Run(ctx context.Context, t *terminal) error {
	var found json.RawMessage
	if err := c.client().get(ctx, "/bans", &found); err != nil {
		return err
	}
	return t.show(c.JSON, found, "source", "until", "times")
}

type banRemove struct {
	server
	Source string `arg:"" complete:"bans" help:"Address or network, as listed."`
}

// Run ends a ban.
func (c *banRemove) Run(ctx context.Context) error {
	address, _, _ := strings.Cut(c.Source, "/") // any of the network stands for it
	return c.client().do(ctx, http.MethodDelete, path("bans", address), nil, nil)
}

type connectionCommands struct {
	Ls connectionList `cmd:"" help:"List the SIP connections."`
}

type connectionList struct {
	server
	list
}

// Run lists the connections.
func (c *connectionList) Run(ctx context.Context, t *terminal) error {
	var found json.RawMessage
	if err := c.client().get(ctx, "/connections", &found); err != nil {
		return err
	}
	return t.show(c.JSON, found, "transport", "remote", "local", "opened_by", "names", "since")
}

type reloadCommand struct {
	server
	list
}

// Run has the server read its configuration, and prints what has changed.
func (c *reloadCommand) Run(ctx context.Context, t *terminal) error {
	var done struct {
		Changes json.RawMessage `json:"changes"`
	}
	if err := c.client().do(ctx, http.MethodPost, "/reload", nil, &done); err != nil {
		return err
	}
	if len(done.Changes) == 0 {
		return errors.New("the server's answer has no list of changes")
	}
	return t.show(c.JSON, done.Changes, "key", "old", "new")
}
