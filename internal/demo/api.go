package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// api uses the server as any script would.
type api struct {
	base  string
	token string
}

var errAPI = errors.New("the HTTP API refused")

func (a api) do(ctx context.Context, method, at string, in, out any) error {
	var body io.Reader = http.NoBody
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, a.base+"/api/v1"+at, body)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	if a.token != "" {
		req.Header.Set("Authorization", "Bearer "+a.token)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close() //nolint:errcheck // read only
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode >= http.StatusMultipleChoices {
		return fmt.Errorf("%w: %s %s: %s %s", errAPI, method, at, res.Status, strings.TrimSpace(string(text)))
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(text, out)
}

type participantJSON struct {
	ID          string `json:"id"`
	URI         string `json:"uri"`
	DisplayName string `json:"display_name"`
	State       string `json:"state"`
	Muted       bool   `json:"muted"`
	Codec       string `json:"codec"`
	Recording   string `json:"recording"`
}

type recordingJSON struct {
	ID      string `json:"id"`
	State   string `json:"state"`
	Streams []struct {
		Label       string `json:"label"`
		Participant string `json:"participant"`
		Packets     uint64 `json:"packets"`
	} `json:"streams"`
}

// participant finds somebody by name.
func (a api) participant(ctx context.Context, conference, name string) (participantJSON, error) {
	var found []participantJSON
	if err := a.do(ctx, http.MethodGet, "/conferences/"+conference+"/participants", nil, &found); err != nil {
		return participantJSON{}, err
	}
	for _, p := range found {
		if p.DisplayName == name || strings.HasPrefix(p.URI, "sip:"+name+"@") {
			return p, nil
		}
	}
	return participantJSON{}, fmt.Errorf("%w: no participant %s in %+v", errAPI, name, found)
}

const pollInterval = 50 * time.Millisecond

// await asks until the recording is in the state. The play is in real time anyhow.
func (a api) await(ctx context.Context, conference, recording, state string) error {
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	var last recordingJSON
	for {
		if err := a.do(ctx, http.MethodGet, "/conferences/"+conference+"/recordings/"+recording, nil, &last); err != nil {
			return err
		}
		if last.State == state {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("recording is %s, not %s: %w", last.State, state, ctx.Err())
		case <-tick.C:
		}
	}
}
