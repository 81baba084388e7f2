package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"
)

type recordCommands struct {
	Start  recordStart  `cmd:"" help:"Start to record a conference."`
	Stop   recordStop   `cmd:"" help:"Stop recording."`
	Pause  recordPause  `cmd:"" help:"Pause a recording."`
	Resume recordResume `cmd:"" help:"Go on with a paused recording."`
	Ls     recordList   `cmd:"" help:"List the recordings of a conference."`

	Assurance   recordAssurance   `cmd:"" help:"List the recordings there should be, and what recording servers have of them."`
	Acknowledge recordAcknowledge `cmd:"" help:"Acknowledge that a recording is not whole."`
	Servers     recordServers     `cmd:"" help:"List the recording servers and whether they are there."`
}

type recordStart struct {
	server
	Conference string   `arg:"" complete:"conferences" help:"Conference."`
	Mode       []string `help:"mixed, separate or pair, or several separated by commas." enum:"mixed,separate,pair" default:"mixed,separate"`
	SRS        []string `name:"srs" complete:"servers" help:"Recording servers by name; the conference's own if left out."`
}

// Run starts a recording.
func (c *recordStart) Run(ctx context.Context, t *terminal) error {
	in := map[string]any{"mode": c.Mode}
	if len(c.SRS) > 0 {
		in["servers"] = c.SRS
	}
	var made json.RawMessage
	if err := c.client().do(ctx, "POST", path("conferences", c.Conference, "recordings"), in, &made); err != nil {
		return err
	}
	return t.json(made)
}

// oneRecording is embedded in the commands about one recording; without an id they mean the only one that runs.
type oneRecording struct {
	server
	Conference string `arg:"" complete:"conferences" help:"Conference."`
	Recording  string `arg:"" complete:"recordings" optional:"" help:"Recording's id; may be left out while there is only one."`
}

var errWhichRecording = errors.New("name the recording")

func (c *oneRecording) path(ctx context.Context) (string, error) {
	if c.Recording != "" {
		return path("conferences", c.Conference, "recordings", c.Recording), nil
	}
	var found []struct {
		ID    string `json:"id"`
		State string `json:"state"`
	}
	if err := c.client().get(ctx, path("conferences", c.Conference, "recordings"), &found); err != nil {
		return "", err
	}
	var running []string
	for _, recording := range found {
		if recording.State != "stopped" {
			running = append(running, recording.ID)
		}
	}
	switch len(running) {
	case 0:
		return "", fmt.Errorf("conference %s is not being recorded", c.Conference)
	case 1:
		return path("conferences", c.Conference, "recordings", running[0]), nil
	default:
		return "", fmt.Errorf("%w: %w, there are %v", errUsage, errWhichRecording, running)
	}
}

func (c *oneRecording) change(ctx context.Context, method string, in any) error {
	at, err := c.path(ctx)
	if err != nil {
		return err
	}
	return c.client().do(ctx, method, at, in, nil)
}

type recordStop struct{ oneRecording }

// Run stops a recording.
func (c *recordStop) Run(ctx context.Context) error { return c.change(ctx, "DELETE", nil) }

type recordPause struct{ oneRecording }

// Run pauses a recording.
func (c *recordPause) Run(ctx context.Context) error {
	return c.change(ctx, "PATCH", map[string]any{"state": "paused"})
}

type recordResume struct{ oneRecording }

// Run resumes a recording.
func (c *recordResume) Run(ctx context.Context) error {
	return c.change(ctx, "PATCH", map[string]any{"state": "recording"})
}

type recordList struct {
	server
	list
	Conference string `arg:"" complete:"conferences" help:"Conference."`
}

// Run lists the recordings.
func (c *recordList) Run(ctx context.Context, t *terminal) error {
	var found json.RawMessage
	if err := c.client().get(ctx, path("conferences", c.Conference, "recordings"), &found); err != nil {
		return err
	}
	return t.show(c.JSON, found, "id", "state", "mode", "servers", "streams", "started_at")
}

type recordServers struct {
	server
	list
}

// Run lists the recording servers.
func (c *recordServers) Run(ctx context.Context, t *terminal) error {
	var found json.RawMessage
	if err := c.client().get(ctx, "/recording/servers", &found); err != nil {
		return err
	}
	return t.show(c.JSON, found, "name", "state", "sessions", "failures", "priority", "weight", "group", "uri")
}

type recordAssurance struct {
	server
	list
}

// Run lists what became of recordings.
func (c *recordAssurance) Run(ctx context.Context, t *terminal) error {
	var found json.RawMessage
	if err := c.client().get(ctx, "/recordings/assurance", &found); err != nil {
		return err
	}
	return t.show(c.JSON, found, "conference", "recording", "verdict", "policy", "started_at", "ended_at", "acknowledged")
}

type recordAcknowledge struct {
	server
	Conference string `arg:"" complete:"conferences" help:"Conference."`
	Recording  string `arg:"" help:"Recording's id."`
	By         string `help:"Who has seen to it."`
	Note       string `help:"What was found, or done about it."`
	Undo       bool   `help:"Take it back."`
}

// Run acknowledges what became of a recording.
func (c *recordAcknowledge) Run(ctx context.Context) error {
	in := map[string]any{"acknowledged": !c.Undo, "by": c.By, "note": c.Note}
	return c.client().do(ctx, "PATCH", path("recordings", "assurance", c.Conference, c.Recording), in, nil)
}

type sayCommand struct {
	server
	Conference string   `arg:"" complete:"conferences" help:"Conference."`
	File       string   `arg:"" type:"existingfile" help:"WAV file: 16-bit PCM, mono or stereo, 8, 16 or 48 kHz."`
	To         []string `name:"to" placeholder:"PARTICIPANT" complete:"participants" help:"Who alone hears it; left out: everybody."`
	Mode       string   `enum:"mix,duck,replace" default:"mix" help:"duck: who hears it hears the conference turned down; replace: not at all."`
	Loop       bool     `help:"Again and again, until hush stops it."`
}

// Run plays a file into the conference.
func (c *sayCommand) Run(ctx context.Context, t *terminal) error {
	sound, err := os.ReadFile(c.File)
	if err != nil {
		return err
	}
	options := url.Values{"mode": {c.Mode}, "loop": {strconv.FormatBool(c.Loop)}}
	if len(c.To) > 0 {
		options.Set("participants", strings.Join(c.To, ","))
	}
	var made struct {
		ID string `json:"id"`
	}
	at := path("conferences", c.Conference, "announcements") + "?" + options.Encode()
	if err := c.client().upload(ctx, at, "audio/wav", sound, &made); err != nil {
		return err
	}
	t.printf("%s\n", made.ID)
	return nil
}

type hushCommand struct {
	server
	Conference   string `arg:"" complete:"conferences" help:"Conference."`
	Announcement string `arg:"" help:"What say has printed."`
}

// Run stops a sound.
func (c *hushCommand) Run(ctx context.Context) error {
	return c.client().do(ctx, "DELETE", path("conferences", c.Conference, "announcements", c.Announcement), nil, nil)
}
