package main

import (
	"context"
	"encoding/json"
)

type participantCommand struct {
	Ls        participantList      `cmd:"" help:"List the participants of a conference."`
	Mute      participantMute      `cmd:"" help:"Let nobody hear a participant."`
	Unmute    participantUnmute    `cmd:"" help:"Let a participant be heard again."`
	Deafen    participantDeafen    `cmd:"" help:"Let a participant hear nobody."`
	Undeafen  participantUndeafen  `cmd:"" help:"Let a participant hear again."`
	OffRecord participantOffRecord `cmd:"" help:"Leave a participant out of recordings; the others still hear him."`
	OnRecord  participantOnRecord  `cmd:"" help:"Take a participant into recordings again."`
	Mask      participantMask      `cmd:"" help:"Keep what a participant says out of recordings for now; the others still hear him."`
	Unmask    participantUnmask    `cmd:"" help:"Let recordings hold what a participant says again."`
	Kick      participantKick      `cmd:"" help:"Disconnect a participant."`
	Gain      participantGain      `cmd:"" help:"Make a participant louder or quieter for the others, or the others for him."`
	Coach     participantCoach     `cmd:"" help:"Let one other alone hear a participant."`
	Uncoach   participantUncoach   `cmd:"" help:"Let everybody hear a participant again."`
	Move      participantMove      `cmd:"" help:"Move a participant to another conference; the call goes on."`
	Role      participantRole      `cmd:"" help:"Give a participant a role."`
	Admit     participantAdmit     `cmd:"" help:"Let in a participant who waits."`
	Send      participantSendBack  `cmd:"" name:"send-back" help:"Have a participant wait again."`
	Raise     participantRaise     `cmd:"" name:"raise-hand" help:"Note that a participant wants to speak."`
	Lower     participantLower     `cmd:"" name:"lower-hand" help:"Forget that a participant wants to speak."`
	Floor     participantFloor     `cmd:"" help:"Let a participant be heard in lecture mode."`
	Unfloor   participantUnfloor   `cmd:"" help:"Take the floor away."`
}

type participantList struct {
	server
	list
	Conference string `arg:"" complete:"conferences" help:"Conference."`
}

// Run lists the participants.
func (c *participantList) Run(ctx context.Context, t *terminal) error {
	var found json.RawMessage
	if err := c.client().get(ctx, path("conferences", c.Conference, "participants"), &found); err != nil {
		return err
	}
	return t.show(c.JSON, found, "id", "uri", "display_name", "role", "state", "muted", "deafened", "held", "speaking", "codec", "recording", "unrecorded", "masked")
}

// oneParticipant is embedded in every command about one participant.
type oneParticipant struct {
	server
	Conference  string `arg:"" complete:"conferences" help:"Conference."`
	Participant string `arg:"" complete:"participants" help:"Participant's id, as participant ls shows it."`
}

func (c *oneParticipant) patch(ctx context.Context, key string, value any) error {
	return c.client().do(ctx, "PATCH", path("conferences", c.Conference, "participants", c.Participant), map[string]any{key: value}, nil)
}

type participantMute struct{ oneParticipant }

// Run mutes.
func (c *participantMute) Run(ctx context.Context) error { return c.patch(ctx, "muted", true) }

type participantUnmute struct{ oneParticipant }

// Run unmutes.
func (c *participantUnmute) Run(ctx context.Context) error { return c.patch(ctx, "muted", false) }

type participantDeafen struct{ oneParticipant }

// Run deafens.
func (c *participantDeafen) Run(ctx context.Context) error { return c.patch(ctx, "deafened", true) }

type participantUndeafen struct{ oneParticipant }

// Run undeafens.
func (c *participantUndeafen) Run(ctx context.Context) error { return c.patch(ctx, "deafened", false) }

type participantOffRecord struct{ oneParticipant }

// Run leaves the participant out of recordings.
func (c *participantOffRecord) Run(ctx context.Context) error {
	return c.patch(ctx, "unrecorded", true)
}

type participantOnRecord struct{ oneParticipant }

// Run takes the participant into recordings again.
func (c *participantOnRecord) Run(ctx context.Context) error {
	return c.patch(ctx, "unrecorded", false)
}

type participantMask struct{ oneParticipant }

// Run masks the participant.
func (c *participantMask) Run(ctx context.Context) error { return c.patch(ctx, "masked", true) }

type participantUnmask struct{ oneParticipant }

// Run ends that.
func (c *participantUnmask) Run(ctx context.Context) error { return c.patch(ctx, "masked", false) }

type participantGain struct {
	oneParticipant
	DB     float64 `arg:"" name:"db" help:"Gain in dB, for example 6 or -- -6."`
	Listen bool    `help:"Of what the participant hears."`
}

// Run sets the gain.
func (c *participantGain) Run(ctx context.Context) error {
	if c.Listen {
		return c.patch(ctx, "listen_gain_db", c.DB)
	}
	return c.patch(ctx, "gain_db", c.DB)
}

type participantCoach struct {
	oneParticipant
	Whom string `arg:"" complete:"participants" help:"Who alone hears the participant."`
}

// Run makes a coach.
func (c *participantCoach) Run(ctx context.Context) error { return c.patch(ctx, "coaching", c.Whom) }

type participantUncoach struct{ oneParticipant }

// Run ends coaching.
func (c *participantUncoach) Run(ctx context.Context) error { return c.patch(ctx, "coaching", "") }

type participantMove struct {
	oneParticipant
	To string `arg:"" complete:"conferences" help:"The other conference."`
}

// Run moves the participant.
func (c *participantMove) Run(ctx context.Context) error {
	return c.client().do(ctx, "POST", path("conferences", c.Conference, "participants", c.Participant, "move"), map[string]any{"conference": c.To}, nil)
}

type participantRole struct {
	oneParticipant
	Role string `arg:"" enum:"moderator,speaker,listener" help:"moderator, speaker or listener."`
}

// Run sets the role.
func (c *participantRole) Run(ctx context.Context) error { return c.patch(ctx, "role", c.Role) }

type participantAdmit struct{ oneParticipant }

// Run lets the participant in.
func (c *participantAdmit) Run(ctx context.Context) error { return c.patch(ctx, "waiting", false) }

type participantSendBack struct{ oneParticipant }

// Run has the participant wait.
func (c *participantSendBack) Run(ctx context.Context) error { return c.patch(ctx, "waiting", true) }

type participantRaise struct{ oneParticipant }

// Run raises the hand.
func (c *participantRaise) Run(ctx context.Context) error { return c.patch(ctx, "hand_raised", true) }

type participantLower struct{ oneParticipant }

// Run lowers the hand.
func (c *participantLower) Run(ctx context.Context) error { return c.patch(ctx, "hand_raised", false) }

type participantFloor struct{ oneParticipant }

// Run gives the floor.
func (c *participantFloor) Run(ctx context.Context) error { return c.patch(ctx, "floor", true) }

type participantUnfloor struct{ oneParticipant }

// Run takes the floor away.
func (c *participantUnfloor) Run(ctx context.Context) error { return c.patch(ctx, "floor", false) }

type participantKick struct{ oneParticipant }

// Run disconnects the participant.
func (c *participantKick) Run(ctx context.Context) error {
	return c.client().do(ctx, "DELETE", path("conferences", c.Conference, "participants", c.Participant), nil, nil)
}

type dialCommand struct {
	server
	Conference string `arg:"" complete:"conferences" help:"Conference."`
	URI        string `arg:"" name:"uri" help:"Whom to call, for example sip:bob@192.0.2.7."`
	Name       string `help:"Name for the roster."`
	Role       string `enum:"moderator,speaker,listener" default:"speaker" help:"moderator, speaker or listener."`
	Consent    bool   `help:"Ask him to press 1 before he comes in, as a voice mailbox would not."`
	Marked     bool   `help:"The others need not wait when he is there, as with a moderator."`
	Ask        bool   `help:"Do not call: ask him by REFER to call himself."`
}

// Run dials out.
func (c *dialCommand) Run(ctx context.Context, t *terminal) error {
	if c.Ask {
		return c.client().do(ctx, "POST", path("conferences", c.Conference, "ask"), map[string]any{"uri": c.URI}, nil)
	}
	in := map[string]any{"uri": c.URI, "role": c.Role}
	if c.Name != "" {
		in["display_name"] = c.Name
	}
	if c.Marked {
		in["marked"] = true
	}
	if c.Consent {
		in["consent"] = true
	}
	var made json.RawMessage
	if err := c.client().do(ctx, "POST", path("conferences", c.Conference, "participants"), in, &made); err != nil {
		return err
	}
	return t.json(made)
}
