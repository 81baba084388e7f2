package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
)

// lifeCommands are the commands about who waits, who is heard and who is there. They stand among those of conference.
type lifeCommands struct {
	Set      conferenceSet      `cmd:"" help:"Change rules and limits of a conference, for example lecture=true max_duration=1h."`
	Admit    conferenceAdmit    `cmd:"" help:"Let in everybody who waits, or one."`
	Mute     conferenceMute     `cmd:"" help:"Let nobody be heard but the moderators."`
	Unmute   conferenceUnmute   `cmd:"" help:"Let everybody be heard again."`
	Lecture  conferenceLecture  `cmd:"" help:"Lecture mode on or off: only moderators and those who have the floor are heard."`
	Hands    conferenceHands    `cmd:"" help:"List who wants to speak, the first one first."`
	RollCall conferenceRollCall `cmd:"" help:"List who is in and who waits, by name."`
	CallList conferenceCallList `cmd:"" help:"Call those of the call list who are not there."`
}

type conferenceSet struct {
	server
	ID    string   `arg:"" complete:"conferences" help:"Conference."`
	Rules []string `arg:"" name:"key=value" sep:"none" help:"Keys as the API has them."`
}

// Run changes what is named.
func (c *conferenceSet) Run(ctx context.Context, t *terminal) error {
	in := map[string]any{}
	for _, rule := range c.Rules {
		key, value, err := setting(rule)
		if err != nil {
			return err
		}
		in[key] = value
	}
	var changed json.RawMessage
	if err := c.client().do(ctx, "PATCH", path("conferences", c.ID), in, &changed); err != nil {
		return err
	}
	return t.json(changed)
}

// texts are the keys whose values are texts, even where they look like numbers.
//
//nolint:gochecknoglobals // a table
var texts = []string{"id", "name", "pin", "moderator_pin"}

// setting reads key=value; what is JSON, such as a number or true, is that, all else is a text.
func setting(text string) (string, any, error) {
	for i := range text {
		if text[i] != '=' || i == 0 {
			continue
		}
		var value any
		if slices.Contains(texts, text[:i]) {
			return text[:i], text[i+1:], nil
		}
		if err := json.Unmarshal([]byte(text[i+1:]), &value); err != nil {
			value = text[i+1:]
		}
		return text[:i], value, nil
	}
	return "", nil, fmt.Errorf("%w: %q is not key=value", errUsage, text)
}

type conferenceAdmit struct {
	server
	ID          string `arg:"" complete:"conferences" help:"Conference."`
	Participant string `arg:"" complete:"participants" optional:"" help:"Who alone is let in."`
}

// Run lets in one or all.
func (c *conferenceAdmit) Run(ctx context.Context) error {
	if c.Participant != "" {
		return c.client().do(ctx, "PATCH", path("conferences", c.ID, "participants", c.Participant), map[string]any{"waiting": false}, nil)
	}
	return c.client().do(ctx, "POST", path("conferences", c.ID, "admit"), nil, nil)
}

type conferenceMute struct {
	server
	ID   string `arg:"" complete:"conferences" help:"Conference."`
	Hard bool   `help:"Participants may not unmute themselves from now on."`
}

// Run mutes all.
func (c *conferenceMute) Run(ctx context.Context) error {
	in := map[string]any{"muted": true}
	if c.Hard {
		in["allow_unmute"] = false
	}
	return c.client().do(ctx, "POST", path("conferences", c.ID, "mute"), in, nil)
}

type conferenceUnmute struct {
	server
	ID string `arg:"" complete:"conferences" help:"Conference."`
}

// Run unmutes all, and lets them do it themselves.
func (c *conferenceUnmute) Run(ctx context.Context) error {
	return c.client().do(ctx, "POST", path("conferences", c.ID, "mute"), map[string]any{"muted": false, "allow_unmute": true}, nil)
}

type conferenceLecture struct {
	server
	ID   string `arg:"" complete:"conferences" help:"Conference."`
	Mode string `arg:"" enum:"on,off" help:"on or off."`
}

// Run switches lecture mode.
func (c *conferenceLecture) Run(ctx context.Context) error {
	return c.client().do(ctx, "PATCH", path("conferences", c.ID), map[string]any{"lecture": c.Mode == "on"}, nil)
}

type conferenceHands struct {
	server
	list
	ID    string `arg:"" complete:"conferences" help:"Conference."`
	Lower bool   `help:"Lower all of them."`
}

// Run lists hands, or lowers them.
func (c *conferenceHands) Run(ctx context.Context, t *terminal) error {
	if c.Lower {
		return c.client().do(ctx, "DELETE", path("conferences", c.ID, "hands"), nil, nil)
	}
	var found json.RawMessage
	if err := c.client().get(ctx, path("conferences", c.ID, "hands"), &found); err != nil {
		return err
	}
	return t.show(c.JSON, found, "id", "display_name", "uri", "hand_raised_at")
}

type conferenceRollCall struct {
	server
	list
	ID string `arg:"" complete:"conferences" help:"Conference."`
}

// Run lists who is there.
func (c *conferenceRollCall) Run(ctx context.Context, t *terminal) error {
	var found json.RawMessage
	if err := c.client().get(ctx, path("conferences", c.ID, "roll-call"), &found); err != nil {
		return err
	}
	if c.JSON {
		return t.json(found)
	}
	var roll struct {
		Present, Waiting []struct{ Name, Role string }
	}
	if err := json.Unmarshal(found, &roll); err != nil {
		return fmt.Errorf("the server's answer: %w", err)
	}
	t.printf("%d present, %d waiting\n", len(roll.Present), len(roll.Waiting))
	for _, p := range roll.Present {
		t.printf("%s (%s)\n", harmless(p.Name), p.Role)
	}
	for _, p := range roll.Waiting {
		t.printf("%s (waiting)\n", harmless(p.Name))
	}
	return nil
}

type conferenceCallList struct {
	server
	ID string `arg:"" complete:"conferences" help:"Conference."`
}

// Run calls the list.
func (c *conferenceCallList) Run(ctx context.Context) error {
	return c.client().do(ctx, "POST", path("conferences", c.ID, "call-list"), nil, nil)
}
