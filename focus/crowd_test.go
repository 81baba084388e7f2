package focus_test

import (
	"cmp"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/confevent"
	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/internal/sipua"
)

// crowd is a load of subscribers: how many, in a conference of how many, and how many come how often.
type crowd struct {
	subscribers, participants, perSecond int
	lasts                                time.Duration
}

// crowdOf reads PARLEY_CROWD, such as "1000 200 10 60s"; without it the load is small enough for every run.
func crowdOf(t *testing.T) crowd {
	t.Helper()
	var c crowd
	var lasts string
	_, err := fmt.Sscan(cmp.Or(os.Getenv("PARLEY_CROWD"), "60 20 10 1s"), &c.subscribers, &c.participants, &c.perSecond, &lasts)
	must(t, err)
	c.lasts, err = time.ParseDuration(lasts)
	must(t, err)
	return c
}

// guests are calls of one user agent, without media of their own.
type guests struct {
	b     *bench
	agent *sipua.Agent
	body  []byte
}

func (g *guests) call(name string) (*sipua.Dialog, error) {
	from := g.agent.Contact(name, "tcp")
	dialog, _, err := g.agent.Invite(g.b.t.Context(), sipua.OutgoingCall{
		To:   sipua.Address{URI: g.b.parse("hall").With("transport", "tcp")},
		From: sipua.Address{Name: name, URI: from.Bare()}, Contact: sipua.Address{URI: from}, ContentType: "application/sdp", Body: g.body,
	}, ignore{})
	return dialog, err
}

// Many subscribers of a large conference where people come and go end with the roster that there is, each by its own documents.
//
// Shows CE-DOC-15, CE-DOC-03, CE-RAT-12, CE-DOC-20.
func TestCrowd(t *testing.T) {
	c := crowdOf(t)
	b := newBench(t, focus.Config{
		Conferences: []focus.ConferenceConfig{{ID: "hall"}}, NotifyInterval: cmp.Or(map[bool]time.Duration{true: 200 * time.Millisecond}[c.lasts <= time.Second], 5*time.Second),
		Limits: focus.Limits{Subscriptions: c.subscribers + 1},
	})
	agent, err := sipua.New(sipua.Config{Listen: []string{"udp://127.0.0.1:0", "tcp://127.0.0.1:0"}, Limits: sipua.Limits{MaxMessageSize: 4 << 20}}, ignore{})
	must(t, err)
	must(t, agent.Start(t.Context()))
	defer func() { _ = agent.Shutdown(t.Context()) }()
	d := sdp.Offer(sdp.Local{Address: b.addr.Addr(), Session: 1, Streams: []sdp.LocalStream{{Port: 9, Codecs: []codecs.Codec{codecs.PCMU}, Direction: sdp.Inactive}}})
	g := &guests{b: b, agent: agent, body: d.Marshal()}
	for i := range c.participants {
		_, err := g.call(fmt.Sprintf("seated%d", i))
		must(t, err)
	}
	rosters, octets, notified := b.gather(agent, c)
	ends := make(chan *sipua.Dialog, c.perSecond*int(c.lasts/time.Second)+1)
	before, full := usage(t), octets.Load()
	count := notified.Load()
	from := time.Now()
	for n := range int(c.lasts.Seconds() * float64(c.perSecond)) {
		dialog, err := g.call(fmt.Sprintf("late%d", n))
		must(t, err)
		ends <- dialog
		if n%2 == 1 { // every second one sends another home
			must(t, (<-ends).Bye(t.Context()))
		}
		pass(time.Until(from.Add(time.Duration(n+1) * time.Second / time.Duration(c.perSecond))))
	}
	fresh := b.subscribeWith(agent, "fresh")
	truth := func() int { return len(b.state("hall").Participants) }
	for i, r := range append(rosters, fresh) {
		until := time.Now().Add(20 * time.Second) // who has gone is shown as gone, and an interval later not at all
		for len(r.users()) != truth() && time.Now().Before(until) {
			pass(5 * time.Millisecond)
		}
		if got := len(r.users()); got != truth() {
			t.Fatalf("subscriber %d knows %d of %d", i, got, truth())
		}
	}
	want := fresh.doc()
	want.Version = 0
	for i, r := range rosters {
		got := r.doc()
		got.Version = 0
		r.mu.Lock()
		failure := r.err
		r.mu.Unlock()
		if failure != nil || !got.Equal(want) {
			t.Errorf("subscriber %d: %v; has not what a new one gets", i, failure)
		}
	}
	if all := rosters[0].all(); !strings.Contains(string(all[len(all)-1]), fmt.Sprintf(` version="%d"`, len(all))) {
		t.Errorf("the last of %d documents is\n%s", len(all), all[len(all)-1])
	}
	took := time.Since(from)
	t.Logf("%d subscribers, %d participants, %d joins/s for %v: %d NOTIFYs, %.1f MB in them (%.1f MB at the beginning), %.1f%% of a processor for both sides",
		c.subscribers, c.participants, c.perSecond, c.lasts, notified.Load()-count, float64(octets.Load()-full)/1e6, float64(full)/1e6, 100*(usage(t)-before).Seconds()/took.Seconds())
}

// gather has them all subscribe.
func (b *bench) gather(agent *sipua.Agent, c crowd) (rosters []*roster, octets, notified *atomic.Int64) {
	b.t.Helper()
	octets, notified = new(atomic.Int64), new(atomic.Int64)
	rosters = make([]*roster, c.subscribers)
	var wait sync.WaitGroup
	slots := make(chan struct{}, 16)
	for i := range rosters {
		rosters[i] = &roster{}
		slots <- struct{}{}
		wait.Go(func() {
			defer func() { <-slots }()
			r := rosters[i]
			err := b.watch(agent, fmt.Sprintf("watcher%d", i), func(request *sipua.Request) *sipua.Response {
				octets.Add(int64(len(request.Body)))
				notified.Add(1)
				return r.notify(request)
			})
			if err != nil {
				b.t.Error(err)
			}
		})
	}
	wait.Wait()
	for _, r := range rosters {
		b.await("the first document", func() bool { return len(r.users()) == c.participants })
	}
	return rosters, octets, notified
}

func (b *bench) subscribeWith(agent *sipua.Agent, name string) *roster {
	b.t.Helper()
	r := &roster{}
	must(b.t, b.watch(agent, name, r.notify))
	return r
}

func (b *bench) watch(agent *sipua.Agent, name string, notify func(*sipua.Request) *sipua.Response) error {
	_, err := agent.Subscribe(b.t.Context(), sipua.OutgoingSubscription{
		To: sipua.Address{URI: b.parse("hall").With("transport", "tcp")}, From: sipua.Address{URI: agent.Contact(name, "tcp")}, Event: "conference",
		Accept: []string{confevent.ContentType}, Expires: time.Hour, OnNotify: notify,
	})
	return err
}

// usage is the processor time of this process.
func usage(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	must(t, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
