package conference

import (
	"slices"
	"strings"
	"time"
)

// ID names a conference: the user part of its URI.
type ID string

// ParticipantID names a participant, unique within its conference for ever.
type ParticipantID string

// RecordingID names a recording, unique within its conference for ever.
type RecordingID string

// State is everything that is true of a conference at one version. It is immutable: whoever holds one may read it at any
// time from any goroutine, and must not write to it or to what its slices hold.
type State struct {
	ID              ID
	Name            string // display text; may be empty
	URI             string // the conference URI
	Version         uint64 // grows with every change, over all the life of the conference
	Active          bool   // somebody is in it, or is being called into it
	Dynamic         bool   // ends when the last participant leaves
	Locked          bool   // nobody more may join (RFC 4575, section 5.5.3)
	MutedOnEntry    bool   // who joins as speaker starts muted
	MaxParticipants int    // 0: no limit
	Rules           Rules
	Protected       bool // who calls in has to enter a PIN
	StartedAt       time.Time
	Opens, Closes   time.Time       // between which participants are let in; zero: always, never
	EndsAt          time.Time       // when the rules end it unless something happens before; zero: they do not
	Ended           bool            // no further version will follow
	Participants    []*Participant  // in order of arrival; who has not changed is the same in the next version
	Speakers        []ParticipantID // who is heard to speak, in order of arrival; apart from the participants, so that a long list is not copied whenever somebody begins to speak
	Departed        []*Participant  // who went by the step that made this version, with Disconnection filled in
	Dominant        ParticipantID   // who has spoken for a while, and last; empty: nobody
	Sidebars        []Sidebar       // in order of opening
	Recordings      []Recording     // in order of start; of those that are over the last eight stay
}

// Participant is one participant: one signalling session between the focus and a user agent.
type Participant struct {
	ID            ParticipantID
	Entity        string // the participant's identity as URI
	Endpoint      string // URI of the user agent, the same for as long as the participant is here
	DisplayName   string
	Languages     string // that he prefers, as tags with spaces between
	Anonymous     bool   // has asked for privacy
	InvitedBy     string // URI of who has asked to call him, or has sent him in his place; empty: nobody has
	Role          Role
	Status        Status
	Awaits        Awaiting // what keeps it out although its media are agreed
	Method        JoiningMethod
	WaitingSince  time.Time     // since when it is at the door: it hears nothing of the conference, is not heard and not recorded; zero: it is in
	Cleared       bool          // has been admitted by somebody: no rule keeps it out
	Marked        bool          // leads the conference without being a moderator
	Floor         bool          // is heard in lecture mode
	Lectured      bool          // lecture mode keeps it from being heard
	HandRaisedAt  time.Time     // since when it wants to speak; zero: it does not
	Muted         bool          // by the focus; a Listener is not heard whatever this says
	Deafened      bool          // hears nothing, by the focus
	Held          bool          // put on hold by the focus: neither hears nor is heard
	GainDB        float64       // applied to what the participant says
	ListenGainDB  float64       // applied to what the participant hears
	Unrecorded    bool          // no recording holds what the participant says, while the others hear it
	Exempt        bool          // Unrecorded by a rule, for good
	Masked        bool          // for now, no recording holds what the participant says: his card number, for example
	Prefers       Preference    // what he last wished of recordings (RFC 7866, section 7.3.2)
	Coaching      ParticipantID // who alone hears the participant; empty: everybody. Stays when he leaves, so that nobody else hears what was meant for him
	Sidebar       SidebarID     // that it is in; empty: none
	InvitedAt     time.Time     // when the INVITE came or went out
	JoinedAt      time.Time     // when it first came into the conference; zero before
	Told          Indication    // what the participant is known to have been told (RFC 7866, section 6.1.2)
	Recording     Indication    // the same, as far as it is true of our own recordings
	Session       Session
	Disconnection Disconnection
}

// Session is what the signalling and media of a participant have come to; the focus reports it, the machine carries it.
type Session struct {
	CallID, LocalTag, RemoteTag string
	SessionID                   string     // Session-ID (RFC 7989), the focus's half first; may be empty
	Contact                     string     // of the user agent: the entity of its endpoint
	Source                      string     // IP address that its signalling comes from; empty: not known
	Codec                       string     // encoding name and rate, such as "opus/48000"
	SSRC                        uint32     // what the participant sends with; 0 until known
	Label                       string     // SDP label of the stream
	Sends, Receives             bool       // the agreed direction, from the participant's point of view
	OnHold                      bool       // the participant holds the focus (RFC 3264, section 8.4)
	RecordAware                 bool       // listed record-aware in Supported (RFC 7866, section 6.3)
	Focus                       bool       // is itself a focus: isfocus in its Contact
	Records                     Indication // what it says of recordings of its own (RFC 7866, section 7.3.1)
	RecordsVia                  string     // the focuses that have told one another so, the one that records last; empty: not known
	Secure                      bool       // media are encrypted
	Text                        TextSession
}

// TextSession is what was agreed about real-time text (RFC 4103).
type TextSession struct {
	Agreed          bool
	Sends, Receives bool // from the participant's point of view
	Secure          bool
}

// Disconnection tells how and when a participant went (RFC 4575, sections 5.7.6 and 5.7.7).
type Disconnection struct {
	Method DisconnectionMethod
	At     time.Time
	Reason string // in the form of RFC 3326, such as `SIP;cause=486;text="Busy Here"`; may be empty
}

// Recording is one recording of the conference by one server or several.
type Recording struct {
	ID        RecordingID
	Modes     Mode
	Servers   []RecordingServer
	State     RecordingState // acknowledged, not wished
	Paused    bool           // wished
	Stopping  bool           // wished
	Automatic bool           // begun by the policy "always"
	Broken    bool           // has failed before: participants are told again only once a server records
	Degraded  bool           // fewer servers record, or may still begin to, than the policy wants
	StartedAt time.Time
	Config    *RecordingConfig // the policy under which it began; must not be written to
}

// SpoolServer is the name under which the spool appears among the servers of a recording.
const SpoolServer = "spool"

// RecordingServer is one server's part in a recording.
type RecordingServer struct {
	Name      string
	State     RecordingState
	SessionID string // of the communication session in the metadata (RFC 7865, section 6.3.1); empty until accepted
	Error     string // why it failed
	Retrying  bool   // failed, and will be tried again
}

// Over tells whether nothing more will come of this server.
func (v *RecordingServer) Over() bool {
	return v.State == RecordingStopped || v.State == RecordingFailed && !v.Retrying
}

// Over tells whether the recording has come to its end; one whose servers are tried again has not.
func (r *Recording) Over() bool {
	return r.State == RecordingStopped ||
		r.State == RecordingFailed && !slices.ContainsFunc(r.Servers, func(v RecordingServer) bool { return v.Retrying })
}

// Speaks tells whether the others may hear the participant.
func (p *Participant) Speaks() bool {
	return p.Present() && !p.Silenced() && !p.Held && !p.Session.OnHold && p.Session.Sends
}

// Present tells whether the participant is in the conference: its media are connected, and it does not wait to be let in.
func (p *Participant) Present() bool { return p.Status.Present() && !p.Waiting() }

// Waiting tells whether the participant is at the door.
func (p *Participant) Waiting() bool { return !p.WaitingSince.IsZero() }

// HandRaised tells whether the participant wants to speak.
func (p *Participant) HandRaised() bool { return !p.HandRaisedAt.IsZero() }

// Leads tells whether the others need not wait when the participant is there.
func (p *Participant) Leads() bool { return p.Marked || p.Role == Moderator }

// Silenced tells whether the focus keeps the participant from being heard, by mute, by role or by lecture mode.
func (p *Participant) Silenced() bool { return p.Muted || p.Lectured || p.Role == Listener }

// Public tells whether what the participant says is for everybody: not muted, for no single ear, and in no sidebar.
func (p *Participant) Public() bool { return p.Speaks() && p.Coaching == "" && p.Sidebar == "" }

// Hears tells whether the participant is given the conference to hear.
func (p *Participant) Hears() bool {
	return p.Present() && !p.Deafened && !p.Held && p.Session.Receives
}

// Barred tells whether the participant's media are agreed, and something keeps it out of the conference.
func (p *Participant) Barred() bool { return p.Status == Pending && p.Awaits != AwaitsNothing }

// ClosedAt tells whether the time of the conference is over.
func (s *State) ClosedAt(now time.Time) bool { return !s.Closes.IsZero() && !now.Before(s.Closes) }

// Participant gives the participant of that identifier.
func (s *State) Participant(id ParticipantID) (Participant, bool) {
	i := s.index(id)
	if i < 0 {
		return Participant{}, false
	}
	return *s.Participants[i], true
}

// index is the place of a participant in the list, -1 if it is not there. Participants are large: it does not copy them.
func (s *State) index(id ParticipantID) int {
	for i := range s.Participants {
		if s.Participants[i].ID == id {
			return i
		}
	}
	return -1
}

// Speaking tells whether a participant is heard to speak.
func (s *State) Speaking(id ParticipantID) bool { return slices.Contains(s.Speakers, id) }

// Recording gives the recording of that identifier.
func (s *State) Recording(id RecordingID) (Recording, bool) {
	i := slices.IndexFunc(s.Recordings, func(r Recording) bool { return r.ID == id })
	if i < 0 {
		return Recording{}, false
	}
	return s.Recordings[i], true
}

// Recordable tells whether recordings may hold what the participant says: he has been told (RFC 7866, section 6.1.2), is neither left
// out nor masked, and does not wait at the door.
func (p *Participant) Recordable() bool {
	return p.Recording == IndicateOn && !p.Unrecorded && !p.Masked && !p.Waiting()
}

// WaitingCount counts the participants who wait to be let in.
func (s *State) WaitingCount() int {
	n := 0
	for i := range s.Participants {
		if s.Participants[i].Waiting() {
			n++
		}
	}
	return n
}

// Hands are the participants who want to speak, the first one first.
func (s *State) Hands() []Participant {
	list := []Participant{}
	for i := range s.Participants {
		if s.Participants[i].HandRaised() {
			list = append(list, *s.Participants[i])
		}
	}
	slices.SortStableFunc(list, func(a, b Participant) int { return a.HandRaisedAt.Compare(b.HandRaisedAt) })
	return list
}

// PresentCount counts the participants who are in the conference; those who wait are not.
func (s *State) PresentCount() int {
	n := 0
	for i := range s.Participants {
		if s.Participants[i].Present() {
			n++
		}
	}
	return n
}

// Indication is what our recordings come to: on if any runs or is about to, else paused if any is paused, else off (RFC 7866, section
// 7.3.1).
func (s *State) Indication() Indication {
	all := IndicateOff
	for i := range s.Recordings {
		all = max(all, s.Recordings[i].indication())
	}
	return all
}

// IndicationFor is what one participant has to be told: the truth about what he says himself, whoever records it. The user agent of another
// participant may, which says so (RFC 7866, section 7.3.1).
func (s *State) IndicationFor(p *Participant) Indication {
	all := s.indications()
	return all.of(p)
}

// indications is what everybody has to be told: to look at each participant anew for each of the others would cost a thousand who come or
// go a million looks at every step.
type indications struct {
	own   Indication    // what our recordings come to
	most  Indication    // the most that the user agent of anybody says of its own recordings,
	by    ParticipantID // whose that is,
	other Indication    // and the most of all the others
}

// indications looks at everybody once.
func (s *State) indications() indications {
	all := indications{own: s.Indication(), most: IndicateOff, other: IndicateOff}
	for i := range s.Participants {
		switch p := s.Participants[i]; {
		case p.Session.Records <= all.other || !p.Present():
		case p.Session.Records > all.most:
			all.other, all.most, all.by = all.most, p.Session.Records, p.ID
		default:
			all.other = p.Session.Records
		}
	}
	return all
}

// IndicationVia is how IndicationFor is known: from which focuses, the next one first, the one that records last. Empty: from us, or from somebody who
// does not say more. Of several the shortest counts, so that what nobody records any more cannot go round in a ring of focuses for ever.
func (s *State) IndicationVia(p *Participant) string {
	all := s.indications()
	want := all.of(p)
	if want == IndicateOff || all.ownOf(p) == want {
		return ""
	}
	best, found := "", false
	for i := range s.Participants {
		q := s.Participants[i]
		if q.ID == p.ID || !q.Present() || q.Session.Records != want {
			continue
		}
		via := q.Session.RecordsVia
		hops := strings.Count(via, " ") - strings.Count(best, " ")
		if !found || via == "" || best != "" && (hops < 0 || hops == 0 && via < best) {
			best, found = via, true
		}
	}
	return best
}

// of is what one participant has to be told.
func (all *indications) of(p *Participant) Indication {
	if p.ID == all.by {
		return max(all.ownOf(p), all.other)
	}
	return max(all.ownOf(p), all.most)
}

// ownOf is what our recordings come to for one participant.
func (all *indications) ownOf(p *Participant) Indication {
	switch {
	case p.Unrecorded:
		return IndicateOff
	case p.Masked:
		return min(all.own, IndicatePaused)
	default:
		return all.own
	}
}

// Unheld tells whether one of our recordings that should go on has failed, and has not begun again yet, and nobody is told that he is recorded: so
// nobody is, and what is said is not kept for it either. While another recording goes on, it is.
func (s *State) Unheld(r *Recording) bool {
	return r.Captures() && r.Broken && r.indication() == IndicateOff && s.Indication() != IndicateOn
}

// indication counts a recording from the moment it is wished, so that the participants know before the first packet.
func (r *Recording) indication() Indication {
	switch {
	case r.Over() || r.Stopping, r.Broken && r.State != RecordingActive && r.State != RecordingPaused:
		return IndicateOff
	case r.Paused:
		return IndicatePaused
	default:
		return IndicateOn
	}
}
