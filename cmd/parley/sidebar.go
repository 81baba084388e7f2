package main

import (
	"context"
	"encoding/json"
)

type sidebarCommands struct {
	Ls    sidebarList  `cmd:"" help:"List the sidebars of a conference."`
	Open  sidebarOpen  `cmd:"" help:"Take participants aside."`
	Move  sidebarMove  `cmd:"" help:"Say who all is in a sidebar."`
	Close sidebarClose `cmd:"" help:"Bring the members of a sidebar back."`
}

type sidebarList struct {
	server
	list
	Conference string `arg:"" complete:"conferences" help:"Conference."`
}

// Run lists the sidebars.
func (c *sidebarList) Run(ctx context.Context, t *terminal) error {
	var found json.RawMessage
	if err := c.client().get(ctx, path("conferences", c.Conference, "sidebars"), &found); err != nil {
		return err
	}
	return t.show(c.JSON, found, "id", "name", "participants", "hear_main", "main_gain_db", "private", "opened_at")
}

type sidebarOpen struct {
	server
	Conference   string   `arg:"" complete:"conferences" help:"Conference."`
	Participants []string `arg:"" complete:"participants" help:"Ids of participants, as participant ls shows them."`
	Name         string   `help:"Display text."`
	HearMain     bool     `help:"They hear the rest of the conference."`
	MainGain     float64  `default:"-12" help:"How loud, in dB."`
	Private      bool     `help:"Conference documents tell of it only those who are in it."`
}

// Run opens a sidebar and prints its id.
func (c *sidebarOpen) Run(ctx context.Context, t *terminal) error {
	var made struct {
		ID string `json:"id"`
	}
	wish := map[string]any{"name": c.Name, "participants": c.Participants, "hear_main": c.HearMain, "main_gain_db": c.MainGain, "private": c.Private}
	if err := c.client().do(ctx, "POST", path("conferences", c.Conference, "sidebars"), wish, &made); err != nil {
		return err
	}
	t.printf("%s\n", made.ID)
	return nil
}

type sidebarMove struct {
	server
	Conference   string   `arg:"" complete:"conferences" help:"Conference."`
	Sidebar      string   `arg:"" help:"What open has printed."`
	Participants []string `arg:"" complete:"participants" help:"All who shall be in it; the others come back."`
}

// Run changes who is in a sidebar.
func (c *sidebarMove) Run(ctx context.Context) error {
	return c.client().do(ctx, "PATCH", path("conferences", c.Conference, "sidebars", c.Sidebar), map[string]any{"participants": c.Participants}, nil)
}

type sidebarClose struct {
	server
	Conference string `arg:"" complete:"conferences" help:"Conference."`
	Sidebar    string `arg:"" help:"What open has printed."`
}

// Run closes a sidebar.
func (c *sidebarClose) Run(ctx context.Context) error {
	return c.client().do(ctx, "DELETE", path("conferences", c.Conference, "sidebars", c.Sidebar), nil, nil)
}
