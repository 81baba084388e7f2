package demo

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// Options says where the play finds its server.
type Options struct {
	SIP        string // host:port, for UDP and TCP
	API        string // URL of the HTTP API
	Recordings string // the recorder's folder
	Out        string // folder for what was heard and the picture
	Writer     io.Writer
}

const (
	conferenceID = "demo"
	turn         = 2500 * time.Millisecond
	together     = 4 * time.Second
	breath       = 400 * time.Millisecond // so that turns do not overlap by the delay of the way
	deadline     = 55 * time.Second
)

// scene is a stretch of the play with what must be true of it.
type scene struct {
	title    string
	from, to float64 // seconds since the origin
	speaks   []string
	muted    []string
	paused   bool
	present  []string
}

// play is one run.
type play struct {
	Options
	origin    time.Time
	api       api
	actors    []*actor
	roster    *follower
	scenes    []scene
	recording string
}

// Run plays and verifies. The error says what was not as it must be, or what failed on the way.
func Run(ctx context.Context, o Options) error {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	o.Writer = &lockedWriter{to: o.Writer}
	p := &play{Options: o, origin: time.Now(), api: api{base: o.API}}
	defer p.close() //nolint:contextcheck // also when ctx is over
	if err := p.perform(ctx); err != nil {
		return err
	}
	return p.verify(ctx)
}

// lockedWriter is written to by the play and by whoever follows the roster, which may still change while the play is judged.
type lockedWriter struct {
	mu sync.Mutex
	to io.Writer
}

// Write passes one line on at a time.
func (w *lockedWriter) Write(line []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.to.Write(line) //nolint:wrapcheck // it passes through
}

func (p *play) printf(format string, args ...any) { _, _ = fmt.Fprintf(p.Writer, format, args...) }

func (p *play) close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	for _, a := range p.actors {
		_ = a.phone.Close(ctx)
	}
	if p.roster != nil {
		_ = p.roster.close(ctx)
	}
}

func (p *play) uri() string { return "sip:" + conferenceID + "@" + p.SIP }

// perform is the play itself.
func (p *play) perform(ctx context.Context) error {
	if err := p.assemble(ctx); err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{
		p.dialIn, p.startRecording, p.takeTurns, p.talkAtOnce, p.muteBob, p.pauseRecording, p.changePlaces, p.finish,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (p *play) assemble(ctx context.Context) error {
	p.printf("The callers:\n")
	for _, r := range cast {
		a, err := newActor(ctx, r, p.origin)
		if err != nil {
			return err
		}
		p.actors = append(p.actors, a)
		p.printf("  %s\n", a.describe())
	}
	var err error
	p.roster, err = newFollower(ctx, p.Writer, p.Out, p.origin)
	return err
}

func (p *play) dialIn(ctx context.Context) error {
	p.printf("\nThe roster, as a subscriber sees it:\n")
	for i, a := range p.actors {
		if a.late {
			continue
		}
		if err := p.join(ctx, a); err != nil {
			return err
		}
		if i == 0 {
			if err := p.roster.follow(ctx, p.uri()); err != nil {
				return fmt.Errorf("subscribe: %w", err)
			}
		}
	}
	return p.roster.await(ctx, p.present()...)
}

func (p *play) join(ctx context.Context, a *actor) error {
	if err := a.phone.Call(ctx, p.uri()); err != nil {
		return fmt.Errorf("%s dials in: %w", a.name, err)
	}
	a.in = true
	return nil
}

func (p *play) present() []string {
	var names []string
	for _, a := range p.actors {
		if a.in {
			names = append(names, a.name)
		}
	}
	return names
}

func (p *play) startRecording(ctx context.Context) error {
	var made recordingJSON
	err := p.api.do(ctx, http.MethodPost, "/conferences/"+conferenceID+"/recordings", map[string]any{"mode": []string{"mixed", "separate"}}, &made)
	if err != nil {
		return err
	}
	p.recording = made.ID
	return p.api.await(ctx, conferenceID, made.ID, "recording")
}

// act plays a scene: the speakers speak, and what is heard in it will be judged.
func (p *play) act(ctx context.Context, s scene, length time.Duration) error {
	s.present = p.present()
	s.from = time.Since(p.origin).Seconds()
	for _, name := range s.speaks {
		over := p.actor(name).speak(length)
		defer func() { <-over }()
	}
	pause := time.NewTimer(length + breath)
	defer pause.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-pause.C:
	}
	s.to = time.Since(p.origin).Seconds()
	p.scenes = append(p.scenes, s)
	return nil
}

func (p *play) actor(name string) *actor {
	for _, a := range p.actors {
		if a.name == name {
			return a
		}
	}
	return nil
}

func (p *play) takeTurns(ctx context.Context) error {
	for _, name := range []string{"alice", "bob", "carol", "dave"} {
		if err := p.act(ctx, scene{title: name + " speaks", speaks: []string{name}}, turn); err != nil {
			return err
		}
	}
	return nil
}

func (p *play) talkAtOnce(ctx context.Context) error {
	return p.act(ctx, scene{title: "all at once", speaks: []string{"alice", "bob", "carol", "dave"}}, together)
}

func (p *play) mute(ctx context.Context, name string, muted bool) error {
	who, err := p.api.participant(ctx, conferenceID, name)
	if err != nil {
		return err
	}
	return p.api.do(ctx, http.MethodPatch, "/conferences/"+conferenceID+"/participants/"+who.ID, map[string]any{"muted": muted}, nil)
}

func (p *play) muteBob(ctx context.Context) error {
	if err := p.mute(ctx, "bob", true); err != nil {
		return err
	}
	if err := p.act(ctx, scene{title: "bob is muted", speaks: []string{"alice", "bob"}, muted: []string{"bob"}}, turn); err != nil {
		return err
	}
	return p.mute(ctx, "bob", false)
}

func (p *play) setRecording(ctx context.Context, state string) error {
	at := "/conferences/" + conferenceID + "/recordings/" + p.recording
	if err := p.api.do(ctx, http.MethodPatch, at, map[string]any{"state": state}, nil); err != nil {
		return err
	}
	return p.api.await(ctx, conferenceID, p.recording, state)
}

func (p *play) pauseRecording(ctx context.Context) error {
	if err := p.setRecording(ctx, "paused"); err != nil {
		return err
	}
	if err := p.act(ctx, scene{title: "recording paused", speaks: []string{"bob", "dave"}, paused: true}, turn); err != nil {
		return err
	}
	return p.setRecording(ctx, "recording")
}

func (p *play) changePlaces(ctx context.Context) error {
	carol, frank := p.actor("carol"), p.actor("frank")
	if err := carol.phone.Hangup(ctx); err != nil {
		return fmt.Errorf("carol leaves: %w", err)
	}
	carol.in = false
	if err := p.join(ctx, frank); err != nil {
		return err
	}
	if err := p.roster.await(ctx, p.present()...); err != nil {
		return err
	}
	if _, err := p.awaitStream(ctx, "frank"); err != nil {
		return err
	}
	return p.act(ctx, scene{title: "frank has come, carol gone", speaks: []string{"bob", "frank"}}, together)
}

// awaitStream waits until somebody's own stream is being recorded.
func (p *play) awaitStream(ctx context.Context, name string) (recordingJSON, error) {
	who, err := p.api.participant(ctx, conferenceID, name)
	if err != nil {
		return recordingJSON{}, err
	}
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		var now recordingJSON
		if err := p.api.do(ctx, http.MethodGet, "/conferences/"+conferenceID+"/recordings/"+p.recording, nil, &now); err != nil {
			return now, err
		}
		for _, stream := range now.Streams {
			if stream.Participant == who.ID && stream.Packets > 0 {
				return now, nil
			}
		}
		select {
		case <-ctx.Done():
			return now, fmt.Errorf("no recorded stream of %s in %+v: %w", name, now.Streams, ctx.Err())
		case <-tick.C:
		}
	}
}

func (p *play) finish(ctx context.Context) error {
	at := "/conferences/" + conferenceID + "/recordings/" + p.recording
	if err := p.api.do(ctx, http.MethodDelete, at, nil, nil); err != nil {
		return err
	}
	if err := p.api.await(ctx, conferenceID, p.recording, "stopped"); err != nil {
		return err
	}
	for _, a := range p.actors {
		if !a.in {
			continue
		}
		if err := a.phone.Hangup(ctx); err != nil {
			return fmt.Errorf("%s hangs up: %w", a.name, err)
		}
	}
	return nil
}
