package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/parley-sip/parley/siprec/srs"
	"github.com/parley-sip/parley/siprec/srs/export"
)

type recordingsCommands struct {
	Ls       recordingsList     `cmd:"" help:"List what the reference recorder has recorded, the newest first."`
	Show     recordingsShow     `cmd:"" help:"Show one recording."`
	Export   recordingsExport   `cmd:"" help:"Write a recording as a vCon or as one WAV file with a channel for each participant."`
	Hold     recordingsHold     `cmd:"" help:"Keep a recording from being deleted."`
	Release  recordingsRelease  `cmd:"" help:"Let a held recording be deleted again."`
	Rm       recordingsRemove   `cmd:"" help:"Delete a recording that is over."`
	Snapshot recordingsSnapshot `cmd:"" help:"Ask the recording client for the complete metadata of a recording that goes on."`
}

// recordedAt is where recordings are: a directory, or a server.
type recordedAt struct {
	server
	Dir string `name:"dir" type:"path" help:"Directory of the recorder; left out: ask the server."`
}

// oneRecorded is embedded in the commands about one recording.
type oneRecorded struct {
	recordedAt
	ID string `arg:"" complete:"stored" help:"Recording: its id, or the name of its folder."`
}

func (c *oneRecorded) path(more ...string) string {
	return path(append([]string{"srs", "recordings", c.ID}, more...)...)
}

func (c *recordedAt) library() srs.Library { return srs.Library{Directory: c.Dir} }

// raw makes the JSON that a server would have sent.
func raw(value any, err error) (json.RawMessage, error) {
	if err != nil {
		return nil, err
	}
	return json.Marshal(value)
}

type recordingsList struct {
	recordedAt
	list
	Text  string        `name:"text" short:"q" help:"Part of a participant's name or address, or the id of the recording or of a session."`
	State string        `name:"state" enum:"recording,paused,finished,interrupted,failed," default:"" help:"Only those in this state: recording, paused, finished, interrupted, failed."`
	Since time.Duration `name:"since" help:"Only those that started no longer ago, such as 24h."`
	Limit int           `name:"limit" default:"100" help:"How many at most."`
}

// Run lists the recordings.
func (c *recordingsList) Run(ctx context.Context, t *terminal) error {
	q := srs.Query{Text: c.Text, State: srs.State(c.State), Limit: c.Limit}
	if c.Since > 0 {
		q.From = time.Now().Add(-c.Since)
	}
	found, err := c.find(ctx, q)
	if err != nil {
		return err
	}
	return t.show(c.JSON, found, "id", "started_at", "ended_at", "state", "participants", "streams", "held", "directory")
}

func (c *recordingsList) find(ctx context.Context, q srs.Query) (json.RawMessage, error) {
	if c.Dir != "" {
		return raw(c.library().List(q))
	}
	values := url.Values{"limit": {strconv.Itoa(q.Limit)}}
	for key, value := range map[string]string{"q": q.Text, "state": string(q.State)} {
		if value != "" {
			values.Set(key, value)
		}
	}
	if !q.From.IsZero() {
		values.Set("from", q.From.UTC().Format(time.RFC3339))
	}
	var found json.RawMessage
	err := c.client().get(ctx, "/srs/recordings?"+values.Encode(), &found)
	return found, err
}

type recordingsShow struct{ oneRecorded }

// Run prints a recording as JSON.
func (c *recordingsShow) Run(ctx context.Context, t *terminal) error {
	var found json.RawMessage
	var err error
	if c.Dir != "" {
		found, err = raw(c.library().Find(c.ID))
	} else {
		err = c.client().get(ctx, c.path(), &found)
	}
	if err != nil {
		return err
	}
	return t.json(found)
}

type recordingsHold struct{ oneRecorded }

// Run holds a recording.
func (c *recordingsHold) Run(ctx context.Context) error { return c.hold(ctx, true) }

type recordingsRelease struct{ oneRecorded }

// Run releases a recording.
func (c *recordingsRelease) Run(ctx context.Context) error { return c.hold(ctx, false) }

func (c *oneRecorded) hold(ctx context.Context, held bool) error {
	if c.Dir != "" {
		return c.library().Hold(c.ID, held)
	}
	return c.client().do(ctx, http.MethodPatch, c.path(), map[string]any{"held": held}, nil)
}

type recordingsRemove struct{ oneRecorded }

// Run deletes a recording.
func (c *recordingsRemove) Run(ctx context.Context) error {
	if c.Dir != "" {
		return c.library().Delete(c.ID)
	}
	return c.client().do(ctx, http.MethodDelete, c.path(), nil, nil)
}

type recordingsSnapshot struct {
	server
	ID string `arg:"" complete:"stored" help:"Recording."`
}

// Run asks for a snapshot.
func (c *recordingsSnapshot) Run(ctx context.Context) error {
	return c.client().do(ctx, http.MethodPost, path("srs", "recordings", c.ID, "snapshot"), nil, nil)
}

type recordingsExport struct {
	oneRecorded
	Format   string `name:"format" short:"f" enum:"vcon,wav" default:"vcon" help:"vcon (draft-ietf-vcon-vcon-core) or wav."`
	Output   string `name:"output" short:"o" type:"path" help:"File to write; left out: ID.vcon.json or ID.wav here. - is standard output."`
	External string `name:"external" help:"For vcon with --dir: the audio stays outside, at this address followed by the name of its file."`
	Refer    bool   `name:"refer" help:"For vcon from a server: the audio stays there, and its addresses are in the container."`
	Key      string `name:"key" type:"existingfile" help:"For vcon with --dir: private key (PEM) to sign with."`
	Cert     string `name:"cert" type:"existingfile" help:"Certificates (PEM) for the key, to be part of the signature."`
	Sign     bool   `name:"sign" help:"For vcon from a server: signed with its key."`
}

// Run exports a recording.
func (c *recordingsExport) Run(ctx context.Context, t *terminal) (err error) {
	remote := c.External != "" || c.Key != "" || c.Cert != ""
	if c.Dir == "" && remote || c.Dir != "" && (c.Refer || c.Sign) {
		return fmt.Errorf("%w: --external, --key and --cert go with --dir, --refer and --sign without", errUsage)
	}
	if c.Output == "" {
		c.Output = filepath.Base(c.ID) + map[string]string{"vcon": ".vcon.json", "wav": ".wav"}[c.Format]
	}
	if c.Output == "-" {
		return c.write(ctx, t.out)
	}
	file, err := os.CreateTemp(filepath.Dir(c.Output), ".parley-export-*")
	if err != nil {
		return err
	}
	if err = c.write(ctx, file); err == nil {
		err = file.Sync()
	}
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(file.Name(), c.Output)
	}
	if err != nil {
		_ = os.Remove(file.Name()) // half of it is of no use
		return err
	}
	t.printf("%s\n", c.Output)
	return nil
}

func (c *recordingsExport) write(ctx context.Context, out io.Writer) error {
	if c.Dir != "" {
		return c.writeLocal(out)
	}
	at := c.path("audio")
	if c.Format == "vcon" {
		at = c.path("vcon") + "?" + url.Values{"inline": {strconv.FormatBool(!c.Refer)}, "signed": {strconv.FormatBool(c.Sign)}}.Encode()
	}
	res, err := c.client().send(ctx, http.MethodGet, at, "", nil)
	if err != nil {
		return err
	}
	defer res.Body.Close() //nolint:errcheck // read only
	_, err = io.Copy(out, res.Body)
	return err
}

func (c *recordingsExport) writeLocal(out io.Writer) error {
	r, err := c.library().Find(c.ID)
	if err != nil {
		return err
	}
	if c.Format == "wav" {
		_, err = export.Mix(out, r)
		return err
	}
	v, err := export.Container(r, export.Options{BaseURL: c.External, Now: time.Now()})
	if err != nil {
		return err
	}
	if c.Key == "" {
		return json.NewEncoder(out).Encode(v)
	}
	signer, err := loadSigner(c.Key, c.Cert)
	if err != nil {
		return err
	}
	signed, err := signer.Sign(v)
	if err != nil {
		return err
	}
	_, err = out.Write(signed)
	return err
}

// loadSigner reads a private key and, if there is a file of them, its certificates.
func loadSigner(key, certificates string) (*export.Signer, error) {
	private, err := os.ReadFile(key) //nolint:gosec // the operator names it
	if err != nil {
		return nil, err
	}
	var chain []byte
	if certificates != "" {
		if chain, err = os.ReadFile(certificates); err != nil { //nolint:gosec // the operator names it
			return nil, err
		}
	}
	signer, err := export.NewSigner(private, chain)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", key, err)
	}
	return signer, nil
}
