package demo

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/parley-sip/parley/confevent"
	"github.com/parley-sip/parley/internal/sipua"
)

// follower subscribes to the conference's events (RFC 4575) and prints the roster as it changes.
type follower struct {
	out    io.Writer
	keep   string // folder for the documents as received
	origin time.Time
	agent  *sipua.Agent
	sub    *sipua.Subscriber

	mu       sync.Mutex
	document confevent.Document
	printed  string
	full     int
	partial  int
	problems []string
	changed  chan struct{} // replaced at every change
}

func newFollower(ctx context.Context, out io.Writer, keep string, origin time.Time) (*follower, error) {
	f := &follower{out: out, keep: keep, origin: origin, changed: make(chan struct{})}
	var err error
	if f.agent, err = sipua.New(sipua.Config{UserAgent: "parley-follower"}, nobody{}); err != nil {
		return nil, err
	}
	return f, f.agent.Start(ctx)
}

// nobody answers no calls.
type nobody struct{}

// Invite implements sipua.Handler.
func (nobody) Invite(call *sipua.IncomingCall) { _ = call.Reject(sipua.NewResponse(480)) } //nolint:mnd // a status

// Subscribe implements sipua.Handler.
func (nobody) Subscribe(s *sipua.IncomingSubscription) { _ = s.Reject(sipua.NewResponse(489)) } //nolint:mnd // a status

// Request implements sipua.Handler.
func (nobody) Request(*sipua.Request) *sipua.Response { return nil }

func (f *follower) follow(ctx context.Context, conference string) error {
	target, err := sipua.ParseURI(conference)
	if err != nil {
		return err
	}
	f.sub, err = f.agent.Subscribe(ctx, sipua.OutgoingSubscription{
		To: sipua.Address{URI: target}, From: sipua.Address{Name: "follower", URI: f.agent.Contact("follower")},
		Event: confevent.EventPackage, Accept: []string{confevent.ContentType}, Expires: time.Hour, OnNotify: f.notify,
	})
	return err
}

func (f *follower) notify(request *sipua.Request) *sipua.Response {
	if len(request.Body) == 0 {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	name := fmt.Sprintf("notify-%03d.xml", f.full+f.partial+1)
	if err := os.WriteFile(filepath.Join(f.keep, name), request.Body, 0o600); err != nil {
		f.problems = append(f.problems, err.Error())
	}
	update, err := confevent.Unmarshal(request.Body)
	switch {
	case err != nil:
		f.problems = append(f.problems, err.Error())
		return nil
	case update.State == confevent.Full:
		f.full++
		f.document = update
	default:
		f.partial++
		if f.document, err = confevent.Merge(f.document, update); err != nil {
			f.problems = append(f.problems, err.Error())
		}
	}
	if line := rosterLine(f.document); line != f.printed {
		f.printed = line
		_, _ = fmt.Fprintf(f.out, "  %6.2f s  %s\n", time.Since(f.origin).Seconds(), line)
	}
	close(f.changed)
	f.changed = make(chan struct{})
	return nil
}

// rosterLine says who is in the conference and how.
func rosterLine(d confevent.Document) string {
	if d.Users == nil {
		return "(nobody)"
	}
	var words []string
	for _, user := range d.Users.Users {
		name := user.DisplayText
		if name == "" {
			name = user.Entity
		}
		for _, endpoint := range user.Endpoints {
			words = append(words, name+" "+endpoint.Status.String())
		}
	}
	if len(words) == 0 {
		return "(nobody)"
	}
	return strings.Join(words, ", ")
}

// names lists who is in the roster now.
func (f *follower) names() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var names []string
	if f.document.Users != nil {
		for _, user := range f.document.Users.Users {
			names = append(names, user.DisplayText)
		}
	}
	slices.Sort(names)
	return names
}

// await waits until exactly these are in the roster.
func (f *follower) await(ctx context.Context, want ...string) error {
	slices.Sort(want)
	for {
		f.mu.Lock()
		changed := f.changed
		f.mu.Unlock()
		if slices.Equal(f.names(), want) {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("roster is %v, want %v: %w", f.names(), want, ctx.Err())
		}
	}
}

func (f *follower) close(ctx context.Context) error { return f.agent.Shutdown(ctx) }
