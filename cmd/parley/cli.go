package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/alecthomas/kong"
)

// commands is the command line. Every command is a struct with a Run method in the file of its topic.
type commands struct {
	Serve       serveCommand       `cmd:"" help:"Run the focus, the mixer, the notifier, the recording client and (by default) an embedded recorder."`
	SRS         srsCommand         `cmd:"" name:"srs" help:"Run the reference session recording server alone."`
	Demo        demoCommand        `cmd:"" help:"Show the main job end to end on this machine, verify it and print what was found."`
	Check       checkCommand       `cmd:"" help:"Validate a configuration file, and that the files it names can be read."`
	Conference  conferenceCommands `cmd:"" help:"List, show, create, change and delete conferences, and say who is let in and heard."`
	Participant participantCommand `cmd:"" help:"List and control the participants of a conference."`
	Sidebar     sidebarCommands    `cmd:"" help:"Take participants aside, so that the others do not hear them."`
	Dial        dialCommand        `cmd:"" help:"Dial out from a conference."`
	Record      recordCommands     `cmd:"" help:"Start, stop, pause, resume and list recordings."`
	Recordings  recordingsCommands `cmd:"" help:"List, show, export, hold and delete what the reference recorder has recorded."`
	Verify      verifyCommand      `cmd:"" help:"Prove that what a recorder has stored is what it was sent."`
	Seal        sealCommands       `cmd:"" help:"Show the key that recordings are sealed with."`
	Say         sayCommand         `cmd:"" help:"Play an announcement into a conference."`
	Hush        hushCommand        `cmd:"" help:"Stop an announcement."`
	Events      eventsCommand      `cmd:"" help:"Follow events, one line each."`
	Trunk       trunkCommands      `cmd:"" help:"List the trunks and whether they are there."`
	Alarm       alarmCommands      `cmd:"" help:"List what an operator has to do something about."`
	Ban         banCommands        `cmd:"" help:"List the sources that are ignored because they guess, and forgive them."`
	Connection  connectionCommands `cmd:"" help:"List the SIP connections."`
	Reload      reloadCommand      `cmd:"" help:"Have a running server read its configuration again."`
	Completion  completionCommand  `cmd:"" help:"Print what a shell needs to complete the command line."`
	Complete    completeCommand    `cmd:"" hidden:"" help:"Print what completes a command line, for the shells."`
	Version     versionCommand     `cmd:"" help:"Print the version."`
	VersionFlag kong.VersionFlag   `name:"version" hidden:"" help:"Print the version."`
}

type versionCommand struct{}

// Run prints the version.
func (versionCommand) Run(t *terminal) error {
	_, err := fmt.Fprintln(t.out, "parley", version)
	return err
}

// server is embedded in every command that talks to a running server.
type server struct {
	API   string `name:"api" default:"http://127.0.0.1:8080" env:"PARLEY_API" help:"Address of the server's HTTP API."`
	Token string `name:"token" env:"PARLEY_TOKEN" help:"Bearer token for the HTTP API."`
}

// list is embedded in every command that lists.
type list struct {
	JSON bool `name:"json" help:"Print JSON instead of a table."`
}

type conferenceCommands struct {
	Ls     conferenceList   `cmd:"" help:"List conferences."`
	Show   conferenceShow   `cmd:"" help:"Show one conference."`
	Create conferenceCreate `cmd:"" help:"Create a conference."`
	Delete conferenceDelete `cmd:"" help:"End a conference: everybody is disconnected."`
	Lock   conferenceLock   `cmd:"" help:"Let nobody in any more."`
	Unlock conferenceUnlock `cmd:"" help:"Let callers in again."`

	lifeCommands
}

type conferenceList struct {
	server
	list
}

// Run lists the conferences.
func (c *conferenceList) Run(ctx context.Context, t *terminal) error {
	var found json.RawMessage
	if err := c.client().get(ctx, "/conferences", &found); err != nil {
		return err
	}
	return t.show(c.JSON, found, "id", "name", "active", "locked", "participants", "recording", "uri")
}

type conferenceShow struct {
	server
	ID string `arg:"" complete:"conferences" help:"Conference."`
}

// Run prints a conference as JSON.
func (c *conferenceShow) Run(ctx context.Context, t *terminal) error {
	var found json.RawMessage
	if err := c.client().get(ctx, path("conferences", c.ID), &found); err != nil {
		return err
	}
	return t.json(found)
}

type conferenceCreate struct {
	server
	ID              string `arg:"" optional:"" help:"User part of the conference's URI; left out: one that nobody can guess."`
	Name            string `help:"Name for people."`
	MaxParticipants *int   `placeholder:"N" help:"How many may take part; 0: no limit; left out: as in conference_defaults."`

	Set []string `sep:"none" placeholder:"KEY=VALUE" help:"Rules, for example wait_for_moderator=true; may be repeated. Keys as the API has them."`
}

// Run creates a conference.
func (c *conferenceCreate) Run(ctx context.Context, t *terminal) error {
	in := map[string]any{"id": c.ID}
	if c.Name != "" {
		in["name"] = c.Name
	}
	if c.MaxParticipants != nil {
		in["max_participants"] = *c.MaxParticipants
	}
	for _, rule := range c.Set {
		key, value, err := setting(rule)
		if err != nil {
			return err
		}
		in[key] = value
	}
	var made json.RawMessage
	if err := c.client().do(ctx, "POST", "/conferences", in, &made); err != nil {
		return err
	}
	return t.json(made)
}

type conferenceDelete struct {
	server
	ID       string `arg:"" complete:"conferences" help:"Conference."`
	Announce bool   `help:"Let the participants hear it first."`
}

// Run ends a conference.
func (c *conferenceDelete) Run(ctx context.Context) error {
	at := path("conferences", c.ID)
	if c.Announce {
		at += "?announce=true"
	}
	return c.client().do(ctx, "DELETE", at, nil, nil)
}

type conferenceLock struct {
	server
	ID string `arg:"" complete:"conferences" help:"Conference."`
}

// Run locks a conference.
func (c *conferenceLock) Run(ctx context.Context) error {
	return c.client().do(ctx, "PATCH", path("conferences", c.ID), map[string]any{"locked": true}, nil)
}

type conferenceUnlock struct {
	server
	ID string `arg:"" complete:"conferences" help:"Conference."`
}

// Run unlocks a conference.
func (c *conferenceUnlock) Run(ctx context.Context) error {
	return c.client().do(ctx, "PATCH", path("conferences", c.ID), map[string]any{"locked": false}, nil)
}
