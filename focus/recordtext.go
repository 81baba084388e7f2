package focus

import (
	"cmp"
	"context"
	"encoding/hex"
	"log/slog"
	"slices"

	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/media"
	"github.com/parley-sip/parley/internal/rtt"
	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/mixer"
	"github.com/parley-sip/parley/siprec"
)

// recordedText is one stream of real-time text of a recording session (RFC 7866, section 8; RFC 4103), as recorded is one of audio.
type recordedText struct {
	session     *media.TextSession
	capture     *textCapture
	key         string
	participant conference.ParticipantID // empty: mixed
	sidebar     conference.SidebarID     // empty: of the conference itself
	id          siprec.ID
	member      mixer.MemberID // in the layout by which it is decided what is captured
	started     bool           // the server takes it
	keyless     bool           // its keys are not there yet: what is written is kept
	aware       bool           // the server knows several writers
	silence     bool
	label       string
	wish        siprec.StreamWish // the last one
	round       int               // of that wish
	linger      *linger           // nobody writes into it any more; nil: somebody may
	line        *line             // of a persistent session; nil: the stream is its own
	named       namedSenders
}

// textKey is the key of a stream of text, by that of the audio which it goes with.
func textKey(key string) string { return "text/" + key }

// textWishes are the streams of text that shall be recorded, in the order of those of audio: one of all, with each writer as a contributing
// source (RFC 9071, section 3), or one of each. Where exactly two streams are expected there are none.
func (c *controller) textWishes(r *recorder, state *conference.State) []siprec.StreamWish {
	r.written = 0
	if !c.recordsText(r, state) {
		return nil
	}
	var list []siprec.StreamWish
	add := func(key string, at conference.SidebarID, id conference.ParticipantID) {
		t := c.textTap(r, textKey(key), key, at, id)
		if t == nil {
			return
		}
		w := siprec.StreamWish{Key: t.key, ID: t.id, Port: t.session.Port(), Text: true}
		if id != "" {
			w.Participant = c.identity(id)
		}
		if at != "" {
			w.Session = c.side(at).session
		}
		t.wish, t.round, t.linger = w, r.round, nil
		r.written++
		list = append(list, w)
	}
	all := r.modes&(conference.Mixed|conference.Pair) != 0 && state.Rules.Text
	if all {
		add(mixedKey, "", "")
	}
	for i := range state.Participants {
		if p := state.Participants[i]; cameIn(p) && c.ownText(r, p, string(p.ID)) {
			add(string(p.ID), "", p.ID)
		}
	}
	c.sideTexts(r, state, all, add)
	return list
}

// sideTexts are those of sidebars, each of which has its own, as of audio.
func (c *controller) sideTexts(r *recorder, state *conference.State, all bool, add func(key string, at conference.SidebarID, id conference.ParticipantID)) {
	for _, b := range state.Sidebars {
		if !r.sidebars || c.side(b.ID) == nil {
			continue
		}
		if all {
			add(sideKey(b.ID, mixedKey), b.ID, "")
		}
		for _, id := range state.SidebarMembers(b.ID) {
			key := sideKey(b.ID, string(id))
			if p, _ := state.Participant(id); c.ownText(r, &p, key) {
				add(key, b.ID, id)
			}
		}
	}
}

// recordsText tells whether a recording session has streams of text.
func (c *controller) recordsText(r *recorder, state *conference.State) bool {
	recording, _ := state.Recording(r.recording)
	wanted := recording.Config == nil || !recording.Config.NoText
	return wanted && r.server.Profile.Layout != siprec.LayoutPair && (state.Rules.Text || len(r.texts) > 0)
}

// textRecord is what is so of a participant's text: what its own line says beside that of audio, of which all recordings are (RFC 7866, section
// 7.1.2). Others who record may record all there is.
func (c *controller) textRecord(state *conference.State, p *conference.Participant) sdp.Record {
	if !state.Rules.Text {
		return sdp.RecordUnspecified
	}
	with := *state
	with.Recordings = slices.DeleteFunc(slices.Clone(state.Recordings), func(r conference.Recording) bool { return !c.hasText(&r) })
	return recordOf(with.IndicationFor(p))
}

// hasText tells whether a recording is of text, too: before its sessions have begun by what its servers are, and then by whether they take it.
func (c *controller) hasText(r *conference.Recording) bool {
	return (r.Config == nil || !r.Config.NoText) && slices.ContainsFunc(r.Servers, func(s conference.RecordingServer) bool {
		server, _ := c.focus.pool.find(s.Name)
		if slices.ContainsFunc(c.recorders, func(o *recorder) bool { return o.recording == r.ID && o.server.Name == s.Name && o.textless }) {
			return false
		}
		return s.State != conference.RecordingStandby && server.Profile.Layout != siprec.LayoutPair
	})
}

// retell tells those who write, or read, what has changed of the recording of text and not of that of audio.
func (c *controller) retell(old, next *conference.State) {
	if !next.Rules.Text || slices.EqualFunc(old.Recordings, next.Recordings, sameText) {
		return
	}
	c.tellWriters()
}

// tellWriters tells those who write, or read, whether text is recorded, if they do not know it.
func (c *controller) tellWriters() {
	for _, p := range c.participants {
		if p.peer.Text.Agreed && p.peer.RecordAware && p.bridged && !c.tells(p) {
			c.tell(p)
		}
	}
}

// textTaken notes whether the server of a session takes any text.
func (c *controller) textTaken(r *recorder, taken bool) {
	if r.textless == taken {
		r.textless = !taken
		c.tellWriters()
	}
}

// sameText tells whether two versions of a recording say the same of text.
func sameText(a, b conference.Recording) bool {
	return a.ID == b.ID && a.Paused == b.Paused && a.Stopping == b.Stopping && a.State == b.State && slices.Equal(a.Servers, b.Servers)
}

// ownText tells whether a participant has a recorded stream of text of his own: as of audio, not before he writes, and not if he is left out, but
// for one that he has already.
func (c *controller) ownText(r *recorder, p *conference.Participant, key string) bool {
	own := c.participants[p.ID]
	writes := p.Session.Text.Sends || own != nil && own.text.wrote
	return r.modes&conference.Separate != 0 && writes && (!p.Unrecorded || r.texts[textKey(key)] != nil)
}

// textTap gives a stream of text, opened if need be, with the CNAME of the audio beside it; nil when there is no port for it.
func (c *controller) textTap(r *recorder, key, audio string, at conference.SidebarID, id conference.ParticipantID) *recordedText {
	if t := r.texts[key]; t != nil {
		return t
	}
	var o media.TextOptions
	if s := r.streams[audio]; s != nil {
		o.Beside = s.session
	}
	session, err := c.focus.media.OpenText(o)
	if err != nil {
		c.log.Error("no port for a recorded stream of text", slog.String("server", r.server.Name), slog.Any("error", err))
		if h := c.focus.hooks.RecordingFailure; h != nil {
			h(r.server.Name, "no-ports")
		}
		return nil
	}
	t := &recordedText{
		session: session, capture: &textCapture{session: session, single: id != "", holding: true}, key: key, participant: id, sidebar: at,
		id: newIdentity(), member: c.newMember(),
	}
	if l, lent := r.client.(*lease); lent {
		t.line = l.lineOfText(t)
		t.id = t.line.id
	}
	r.texts[key] = t
	return t
}

// startText lets a stream of text flow.
func (c *controller) startText(r *recorder, t *recordedText, a *siprec.StartMedia) {
	if !t.started { // what was repeated to another is not this one's
		t.session.Forget()
	}
	c.renewSealing(r)
	var witness media.Witness // before the first packet can leave, and without a moment in which there is none
	if d := r.sealing.digest(a.Label, textCodec); d != nil {
		witness = d
	}
	t.session.SetWitness(witness)
	r.listenForTextKeys(c, t, a)
	params := recordedTextParams(a)
	params.DTLS = r.handshake(a)
	if err := t.session.Configure(params); err != nil {
		c.log.Error("recorded stream of text", slog.String("server", r.server.Name), slog.Any("error", err))
		return
	}
	t.started, t.silence, t.label, t.aware = true, a.Silence, a.Label, a.Text.Mixer
	if t.keyless = a.DTLS != nil && !t.session.Stats().Protected; t.keyless {
		t.capture.hold()
	} else {
		t.capture.release(t.aware)
	}
	c.updateText()
	c.textTaken(r, true)
}

// recordedTextParams are those of a stream of text that a server takes. What makes its keys, if they are not in the description, is to be added.
func recordedTextParams(a *siprec.StartMedia) media.TextParams {
	return media.TextParams{
		Remote: a.Remote, RemoteRTCP: a.RemoteRTCP, Send: true, Protection: protection(a.Protection),
		SendFormat: rtt.Format{
			Text: a.Text.Send.Text, Red: a.Text.Send.Red, Generations: a.Text.Send.Generations, CPS: cmp.Or(a.Text.CPS, rtt.MixerCPS), Aware: a.Text.Mixer,
		},
	}
}

// textCodec is what streams of text are called where those of audio have the name of a codec.
const textCodec = "t140"

// stopText has a stream of text captured no more, or kept until somebody takes it, and lets go of its port when it will not come back.
func (c *controller) stopText(r *recorder, t *recordedText, removed bool) {
	t.started = false
	switch {
	case !removed && r.client.Awaited(t.key):
		t.capture.hold()
	case removed:
		c.endFed(r, c.fedText(t))
		delete(r.texts, t.key)
		c.updateText() // nothing comes any more
		c.partText(r, t)
	default:
		c.updateText()
		t.capture.pause()
		c.tellLost(r, t, nil)
	}
}

// closeRecordedText sends what is left and closes a stream that nothing is captured of any more.
func (c *controller) closeRecordedText(r *recorder, t *recordedText) {
	t.capture.pause()
	list := t.capture.rest()
	if c.spools(r.recording) {
		list = c.spoolTexts(r, t, list)
	}
	c.tellLost(r, t, list)
	closed := func() {}
	if r.sealing != nil {
		r.sealing.closing.Add(1)
		closed = r.sealing.closing.Done
	}
	c.focus.spawn(func(context.Context) {
		_ = t.session.Close() // never fails
		closed()
		if t.line != nil {
			t.line.owner.restText(t.line)
		}
	})
}

// tellLost gives up text that nobody takes, and says so, as of what was lost before and not told.
func (c *controller) tellLost(r *recorder, t *recordedText, list []heldText) {
	n := t.capture.drop(list)
	if n == 0 {
		return
	}
	c.log.Error("captured text is lost", slog.String("server", r.server.Name), slog.String("recording", string(r.recording)),
		slog.String("stream", t.id.Text()), slog.Int("characters", n))
	if h := c.focus.hooks.RecordingFailure; h != nil {
		h(r.server.Name, "unrecorded")
	}
}

// refusedText gives up what waits for a recorder that takes no text, or no more of it.
func (c *controller) refusedText(r *recorder) {
	if len(r.texts) == 0 {
		return
	}
	taken := false
	for _, t := range r.texts {
		if !t.started && !r.client.Awaited(t.key) {
			c.tellLost(r, t, t.capture.rest())
		} else {
			taken = true
		}
	}
	c.updateText()
	c.textTaken(r, taken)
}

// textReader is a recorded stream of text that somebody's text goes into, and under which name.
type textReader struct {
	capture     *textCapture
	name, cname string
}

// textTaps adds the streams of text that the server takes, or may still take.
func (r *recorder) textTaps(list []tap, by map[mixer.MemberID]*recordedText) []tap {
	for _, t := range r.texts {
		if t.started || r.client.Awaited(t.key) {
			by[t.member] = t
			list = append(list, tap{Member: t.member, Recording: r.recording, Participant: t.participant, Sidebar: t.sidebar, Silence: t.silence})
		}
	}
	return list
}

// recordedName is what a recorder is told a writer is called, as little as its metadata tell of him.
func (c *controller) recordedName(r *recorder, p *conference.Participant) string {
	switch r.server.Data.Names {
	case Unnamed:
		return hex.EncodeToString([]byte(c.identity(p.ID)))[:16]
	case NamedByAddress:
		return p.Entity
	case NamedFully:
	}
	return cmp.Or(p.DisplayName, p.Entity)
}

// textDirections tells whether a participant feeds recorded streams of text and gets those of others, in metadata.
func (c *controller) textDirections(p *conference.Participant) (writes, reads bool) {
	as := *p
	as.Session.Sends, as.Session.Receives = p.Session.Text.Sends, p.Session.Text.Receives
	return !c.feedsNothing(&as), !as.Deafened && as.Session.Receives
}

// textInfo is a stream of text in the API.
func (r *recorder) textInfo(t *recordedText) StreamInfo {
	stats := t.session.Stats()
	return StreamInfo{
		Server: r.server.Name, Label: r.client.Label(t.key), Participant: t.participant, Sidebar: t.sidebar, Codec: textCodec,
		Packets: stats.Sent, Reports: stats.Reports,
	}
}
