package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// errEnough ends a stream.
var errEnough = errors.New("enough")

type eventsCommand struct {
	server
	list
	Conference string `arg:"" complete:"conferences" optional:"" help:"Conference; all of them if left out."`
	After      string `help:"Go on after the event with this id; with an id that is not known (such as 0) all events still kept come first." placeholder:"ID"`
	Count      int    `help:"End after so many events; 0: with the server." placeholder:"N"`
}

// Run prints events as they come, until interrupted.
func (c *eventsCommand) Run(ctx context.Context, t *terminal) error {
	at := "/events"
	if c.Conference != "" {
		at = path("conferences", c.Conference, "events")
	}
	seen := 0
	err := c.client().follow(ctx, at, c.After, func(event serverEvent) error {
		line := eventLine(event)
		if c.JSON {
			line = harmlessJSON(event.data)
		}
		if _, err := fmt.Fprintln(t.out, line); err != nil {
			return err
		}
		if seen++; seen == c.Count {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// eventLine says an event in one line: time, conference, what, and who or which.
func eventLine(event serverEvent) string {
	var body struct {
		Time       string         `json:"time"`
		Conference string         `json:"conference"`
		Object     map[string]any `json:"object"`
	}
	if err := json.Unmarshal(event.data, &body); err != nil {
		return harmless(event.name + " " + string(event.data))
	}
	var about []string
	for _, key := range []string{"id", "uri", "display_name", "state", "digit"} {
		if value, ok := body.Object[key].(string); ok && value != "" && value != body.Conference {
			about = append(about, value)
		}
	}
	for _, key := range []string{"muted", "deafened", "held", "unrecorded", "masked", "speaking", "locked"} {
		if body.Object[key] == true {
			about = append(about, key)
		}
	}
	return harmless(strings.Join([]string{body.Time, body.Conference, event.name, strings.Join(about, " ")}, "  "))
}
