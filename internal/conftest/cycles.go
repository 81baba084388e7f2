package conftest

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/internal/sipua"
)

// Callers are many who call and say nothing: what matters is that they come and go.
type Callers struct {
	Target    string // host and port
	Transport string // udp (default) or tcp
	Timers    sipua.Timers
	Leave     int // how many of a Surge leave at once, 0: all; the others follow when those are gone
}

// CallersReport is what became of them.
type CallersReport struct {
	Calls, Failed int           // calls that were tried, and those that did not come about or did not end as they should
	First         error         // the first of the failures
	Took          time.Duration // all together
	Setup         time.Duration // from INVITE to 200, the 99th percentile
	Leave         time.Duration // from BYE to 200, the 99th percentile
}

// callers are some who are at it.
type callers struct {
	Callers

	agent *sipua.Agent
	offer []byte

	mu            sync.Mutex
	report        CallersReport
	setups, leave []time.Duration
}

// start opens the sockets; stop closes them.
func (c Callers) start(ctx context.Context) (run *callers, stop func(), err error) {
	agent, err := sipua.New(sipua.Config{Listen: []string{"udp://127.0.0.1:0", "tcp://127.0.0.1:0"}, Timers: c.Timers}, mute{})
	if err != nil {
		return nil, nil, err
	}
	if err = agent.Start(ctx); err != nil {
		return nil, nil, err
	}
	socket, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}) // nobody reads it: what is too much is dropped
	if err != nil {
		_ = agent.Shutdown(ctx)
		return nil, nil, err
	}
	port := socket.LocalAddr().(*net.UDPAddr).AddrPort().Port() //nolint:forcetypeassert // a UDP socket
	offer := sdp.Offer(sdp.Local{
		Address: netip.MustParseAddr("127.0.0.1"), Session: 1, Streams: []sdp.LocalStream{{Port: port, Codecs: []codecs.Codec{codecs.PCMU}}},
	})
	return &callers{Callers: c, agent: agent, offer: offer.Marshal()}, func() {
		_ = agent.Shutdown(context.WithoutCancel(ctx))
		_ = socket.Close()
	}, nil
}

// call brings somebody into a conference; nil: it failed, which has been noted.
func (c *callers) call(ctx context.Context, conference string, n int) *sipua.Dialog {
	target, err := sipua.ParseURI("sip:" + conference + "@" + c.Target)
	if err != nil {
		c.note(nil, 0, err)
		return nil
	}
	if c.Transport == "tcp" {
		target = target.With("transport", "tcp")
	}
	name := callerName(n)
	from := time.Now()
	dialog, _, err := c.agent.Invite(ctx, sipua.OutgoingCall{
		To: sipua.Address{URI: target}, From: sipua.Address{Name: name, URI: c.agent.Contact(name).Bare()},
		Contact: sipua.Address{URI: c.agent.Contact(name, c.Transport)}, ContentType: "application/sdp", Body: c.offer,
	}, mute{})
	c.note(&c.setups, time.Since(from), err)
	if err != nil {
		return nil
	}
	return dialog
}

// callerName is the name of a caller by his number.
func callerName(n int) string { return fmt.Sprintf("caller%d", n) }

// hangUp ends a call.
func (c *callers) hangUp(ctx context.Context, dialog *sipua.Dialog) {
	from := time.Now()
	err := dialog.Bye(ctx)
	c.note(&c.leave, time.Since(from), err)
}

func (c *callers) note(took *[]time.Duration, d time.Duration, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		c.report.Failed++
		if c.report.First == nil {
			c.report.First = err
		}
		return
	}
	*took = append(*took, d)
}

// sum is the report.
func (c *callers) sum(calls int, from time.Time) CallersReport {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.report
	r.Calls, r.Took = calls, time.Since(from)
	r.Setup, r.Leave = Percentile(c.setups, 0.99), Percentile(c.leave, 0.99) //nolint:mnd // the 99th percentile
	return r
}

// Cycle makes calls that end as soon as they have begun, some at once, to each conference in turn. The error is one of the callers' own.
func (c Callers) Cycle(ctx context.Context, calls, parallel int, conferences ...string) (CallersReport, error) {
	run, stop, err := c.start(ctx)
	if err != nil {
		return CallersReport{}, err
	}
	defer stop()
	from := time.Now()
	numbers := make(chan int)
	var wait sync.WaitGroup
	for range parallel {
		wait.Go(func() {
			for n := range numbers {
				if dialog := run.call(ctx, conferences[n%len(conferences)], n); dialog != nil {
					run.hangUp(ctx, dialog)
				}
			}
		})
	}
	for n := range calls {
		numbers <- n
	}
	close(numbers)
	wait.Wait()
	return run.sum(calls, from), nil
}

// Surge lets calls come within a time, evenly, to each conference in turn; when all have come, inside is called, and then all leave at once, or
// Leave of them.
func (c Callers) Surge(ctx context.Context, calls int, within time.Duration, inside func(), conferences ...string) (CallersReport, error) {
	run, stop, err := c.start(ctx)
	if err != nil {
		return CallersReport{}, err
	}
	defer stop()
	from := time.Now()
	dialogs := make([]*sipua.Dialog, calls)
	var wait sync.WaitGroup
	for n := range calls {
		select {
		case <-time.After(time.Until(from.Add(within * time.Duration(n) / time.Duration(calls)))):
		case <-ctx.Done():
		}
		wait.Go(func() { dialogs[n] = run.call(ctx, conferences[n%len(conferences)], n) })
	}
	wait.Wait()
	inside()
	dialogs = slices.DeleteFunc(dialogs, func(d *sipua.Dialog) bool { return d == nil })
	for len(dialogs) > 0 {
		atOnce := len(dialogs)
		if c.Leave > 0 {
			atOnce = min(c.Leave, atOnce)
		}
		for _, dialog := range dialogs[:atOnce] {
			wait.Go(func() { run.hangUp(ctx, dialog) })
		}
		wait.Wait()
		dialogs = dialogs[atOnce:]
	}
	return run.sum(calls, from), nil
}
