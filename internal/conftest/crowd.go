package conftest

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/confevent"
	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/internal/sipua"
)

// Crowd is a load of subscribers: they follow a conference of many while people come and go, and each merges what he gets (RFC 4575, section 4.6).
type Crowd struct {
	Target       string // URI of the conference, which must be reachable over TCP, and empty
	Subscribers  int
	Participants int           // who are there from the beginning
	PerSecond    int           // who come; with every second one another goes
	Lasts        time.Duration // for so long
	Settle       time.Duration // how long the last change may take to every subscriber
	// Before is called when all have subscribed, before the first one comes; nil: nothing is.
	Before func()
}

// CrowdReport is what became of a Crowd.
type CrowdReport struct {
	First, Notifies     int           // documents until all had one, and NOTIFYs from then
	FirstOctets, Octets int64         // in their bodies
	Joined, Left        int           // while it lasted
	Participants        int           // at its end
	Took, Settled       time.Duration // from the first one who came to the last; from then until everybody knew all
	Wrong               []string      // subscribers who do not know in the end what a new one is told
	Gaps                int           // subscribers whose documents were not numbered without gap
	Ended               int           // subscribers whose subscription has ended
}

// crowd is one that goes on.
type crowd struct {
	Crowd

	agent     *sipua.Agent
	target    sipua.URI
	offer     []byte
	library   *rosters
	listeners []*listener
	inside    []*sipua.Dialog
	report    CrowdReport
}

// Run plays it. Everything that goes wrong on the way is an error; who knows the wrong thing in the end is in the report.
func (c Crowd) Run(ctx context.Context) (CrowdReport, error) {
	target, err := sipua.ParseURI(c.Target)
	if err != nil {
		return CrowdReport{}, err
	}
	agent, err := sipua.New(sipua.Config{Listen: []string{"tcp://127.0.0.1:0"}, Limits: sipua.Limits{MaxMessageSize: confevent.MaxDocumentSize}}, mute{})
	if err != nil {
		return CrowdReport{}, err
	}
	if err = agent.Start(ctx); err != nil {
		return CrowdReport{}, err
	}
	defer func() { _ = agent.Shutdown(ctx) }()
	p := &crowd{Crowd: c, agent: agent, target: target.With("transport", "tcp"), offer: silent(), library: &rosters{}}
	for _, part := range []func(context.Context) error{p.sit, p.gather, p.comeAndGo, p.compare, p.disperse} {
		if err = part(ctx); err != nil {
			return p.report, err
		}
	}
	return p.report, nil
}

// call brings somebody in, without media.
func (c *crowd) call(ctx context.Context, name string) error {
	contact := c.agent.Contact(name, "tcp")
	dialog, _, err := c.agent.Invite(ctx, sipua.OutgoingCall{
		To: sipua.Address{URI: c.target}, From: sipua.Address{Name: name, URI: contact.Bare()}, Contact: sipua.Address{URI: contact},
		ContentType: "application/sdp", Body: c.offer,
	}, mute{})
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	c.inside = append(c.inside, dialog)
	return nil
}

// sit brings those in who are there from the beginning.
func (c *crowd) sit(ctx context.Context) error {
	for i := range c.Participants {
		if err := c.call(ctx, fmt.Sprintf("seated%d", i)); err != nil {
			return err
		}
	}
	return nil
}

// subscribers is how many SUBSCRIBEs are on their way at once.
const subscribers = 16

// gather has all subscribe, and waits until each has the roster.
func (c *crowd) gather(ctx context.Context) error {
	failed := make(chan error, c.Subscribers)
	slots := make(chan struct{}, subscribers)
	var wait sync.WaitGroup
	for i := range c.Subscribers {
		l := &listener{name: fmt.Sprintf("watcher%d", i), library: c.library}
		c.listeners = append(c.listeners, l)
		slots <- struct{}{}
		wait.Go(func() {
			defer func() { <-slots }()
			if err := c.listen(ctx, l); err != nil {
				failed <- err
			}
		})
	}
	wait.Wait()
	select {
	case err := <-failed:
		return err
	default:
	}
	if late := c.await(ctx, func(d *confevent.Document) bool { return has(d, c.Participants) }); len(late) > 0 {
		return fmt.Errorf("%d subscribers have no roster of %d", len(late), c.Participants)
	}
	c.report.First, c.report.FirstOctets = c.heard()
	return nil
}

func (c *crowd) listen(ctx context.Context, l *listener) error {
	_, err := c.agent.Subscribe(ctx, sipua.OutgoingSubscription{
		To: sipua.Address{URI: c.target}, From: sipua.Address{URI: c.agent.Contact(l.name, "tcp")}, Event: confevent.EventPackage,
		Accept: []string{confevent.ContentType}, Expires: time.Hour, OnNotify: l.notify, OnEnd: func(sipua.EndReason) { l.ended.Store(true) },
	})
	if err != nil {
		return fmt.Errorf("%s: %w", l.name, err)
	}
	return nil
}

// comeAndGo lets people come, and with every second one another go.
func (c *crowd) comeAndGo(ctx context.Context) error {
	if c.Before != nil {
		c.Before()
	}
	from := time.Now()
	for n := range int(c.Lasts.Seconds() * float64(c.PerSecond)) {
		if err := c.call(ctx, fmt.Sprintf("late%d", n)); err != nil {
			return err
		}
		c.report.Joined++
		if n%2 == 1 {
			if err := c.inside[c.Participants].Bye(ctx); err != nil { // the one who has been late for longest
				return fmt.Errorf("leave: %w", err)
			}
			c.inside = append(c.inside[:c.Participants], c.inside[c.Participants+1:]...)
			c.report.Left++
		}
		select {
		case <-time.After(time.Until(from.Add(time.Duration(n+1) * time.Second / time.Duration(c.PerSecond)))):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	c.report.Took, c.report.Participants = time.Since(from), len(c.inside)
	return nil
}

// compare waits until all know what somebody is told who subscribes only now. That they know as many is not enough: who has come and who has gone
// since may be as many.
func (c *crowd) compare(ctx context.Context) error {
	from := time.Now()
	fresh := &listener{name: "fresh", library: c.library}
	if err := c.listen(ctx, fresh); err != nil {
		return err
	}
	c.report.Wrong = c.await(ctx, func(d *confevent.Document) bool {
		want := fresh.knows()
		return has(want, len(c.inside)) && has(d, len(c.inside)) && d.Equal(*want)
	})
	c.report.Settled = time.Since(from)
	notifies, octets := c.heard()
	c.report.Notifies, c.report.Octets = notifies-c.report.First, octets-c.report.FirstOctets
	for _, l := range c.listeners {
		if l.missed() {
			c.report.Gaps++
		}
		if l.ended.Load() {
			c.report.Ended++
		}
	}
	return nil
}

func has(d *confevent.Document, users int) bool { return d.Users != nil && len(d.Users.Users) == users }

// disperse lets all go home.
func (c *crowd) disperse(ctx context.Context) error {
	for _, dialog := range c.inside {
		if err := dialog.Bye(ctx); err != nil {
			return fmt.Errorf("leave: %w", err)
		}
	}
	return nil
}

// await waits until what they know is right for all of them at once; it gives those for whom it is not. It looks at who was not right before
// it looks at all: to compare all rosters takes longer than to make them, and would take the time of those who are to get theirs.
func (c *crowd) await(ctx context.Context, right func(*confevent.Document) bool) (late []string) {
	deadline := time.After(c.Settle)
	look := time.NewTicker(20 * time.Millisecond) //nolint:mnd // finer than anything that is measured
	defer look.Stop()
	var found map[*confevent.Document]bool // most know the same
	wrong := func(l *listener) bool {
		d := l.knows()
		is, looked := found[d]
		if !looked {
			is = right(d)
			found[d] = is
		}
		return !is
	}
	for from := 0; ; {
		found = map[*confevent.Document]bool{}
		i := slices.IndexFunc(c.listeners[from:], wrong)
		switch {
		case i >= 0:
			from += i
		case from > 0: // it may have become wrong for who was right
			from = 0
			continue
		default:
			return nil
		}
		select {
		case <-look.C:
			continue
		case <-deadline:
		case <-ctx.Done():
		}
		for _, l := range c.listeners {
			if wrong(l) {
				late = append(late, l.name)
			}
		}
		return late
	}
}

// heard counts what all have got.
func (c *crowd) heard() (notifies int, octets int64) {
	for _, l := range c.listeners {
		l.mu.Lock()
		notifies += l.notifies
		octets += l.octets
		l.mu.Unlock()
	}
	return notifies, octets
}

// CallOnce calls a conference over TCP without media, and hangs up. It gives how long the answer took.
func CallOnce(ctx context.Context, uri string) (time.Duration, error) {
	target, err := sipua.ParseURI(uri)
	if err != nil {
		return 0, err
	}
	agent, err := sipua.New(sipua.Config{Listen: []string{"tcp://127.0.0.1:0"}}, mute{})
	if err != nil {
		return 0, err
	}
	if err = agent.Start(ctx); err != nil {
		return 0, err
	}
	defer func() { _ = agent.Shutdown(ctx) }()
	c := &crowd{agent: agent, target: target.With("transport", "tcp"), offer: silent()}
	from := time.Now()
	if err = c.call(ctx, "caller"); err != nil {
		return 0, err
	}
	took := time.Since(from)
	return took, c.inside[0].Bye(ctx)
}

// silent is an offer of who sends nothing.
func silent() []byte {
	offer := sdp.Offer(sdp.Local{
		Address: netip.MustParseAddr("127.0.0.1"), Session: 1,
		Streams: []sdp.LocalStream{{Port: 9, Codecs: []codecs.Codec{codecs.PCMU}, Direction: sdp.Inactive}},
	})
	return offer.Marshal()
}

// mute is a user agent that takes everything.
type mute struct{}

// Invite implements sipua.Handler.
func (mute) Invite(call *sipua.IncomingCall) { _ = call.Reject(sipua.NewResponse(480)) } //nolint:mnd // a status

// Subscribe implements sipua.Handler.
func (mute) Subscribe(s *sipua.IncomingSubscription) { _ = s.Reject(sipua.NewResponse(489)) } //nolint:mnd // a status

// Request implements sipua.Handler and sipua.DialogHandler.
func (mute) Request(*sipua.Request) *sipua.Response { return nil }

// Ack implements sipua.DialogHandler.
func (mute) Ack(*sipua.Request) {}

// Offer implements sipua.DialogHandler.
func (mute) Offer(*sipua.Request) *sipua.Response { return nil }

// Ended implements sipua.DialogHandler.
func (mute) Ended(sipua.EndReason) {}
