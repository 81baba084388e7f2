package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
)

type eventsCommand struct {
	server
	list
	Conference string `arg:"" optional:"" help:"Conference; all of them if left out."`
}

// Run prints events as they come, until interrupted.
func (c *eventsCommand) Run(ctx context.Context, t *terminal) error {
	at := "/events"
	if c.Conference != "" {
		at = path("conferences", c.Conference, "events")
	}
	return c.client().follow(ctx, at, func(event serverEvent) error {
		if c.JSON {
			_, err := fmt.Fprintln(t.out, string(event.data))
			return err
		}
		_, err := fmt.Fprintln(t.out, eventLine(event))
		return err
	})
}

// eventLine says an event in one line: time, conference, what, and who or which.
func eventLine(event serverEvent) string {
	var body struct {
		Time       string         `json:"time"`
		Conference string         `json:"conference"`
		Object     map[string]any `json:"object"`
	}
	if err := json.Unmarshal(event.data, &body); err != nil {
		return event.name + " " + string(event.data)
	}
	var about []string
	for _, key := range []string{"id", "uri", "display_name", "state", "digit"} {
		if value, ok := body.Object[key].(string); ok && value != "" && value != body.Conference {
			about = append(about, value)
		}
	}
	for _, key := range []string{"muted", "deafened", "held", "speaking", "locked"} {
		if body.Object[key] == true {
			about = append(about, key)
		}
	}
	return strings.Join([]string{body.Time, body.Conference, event.name, strings.Join(about, " ")}, "  ")
}
