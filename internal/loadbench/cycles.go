package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/parley-sip/parley/internal/conftest"
)

const (
	warmCalls      = 40_000 // until everything is as large as it gets at this rate
	callsAtOnce    = 8
	sameGoroutines = 5
	sameHeap       = 1.1               // of what is in use, without garbage: of 20 MB, that is 20 octets of each call
	forgotten      = 160 * time.Second // transactions are kept for 32 s, and an idle process collects its garbage after two minutes
	surgeCalls     = 1000
	surgeMore      = 500
	surgeTime      = 10 * time.Second // 500 in 5 s
	lateTick       = 0.010
	lateBucket     = 8 * time.Millisecond // the bound of the histogram below that
	stormCalls     = 100
	silentEach     = 500
)

// holds is what the server's process holds. The heap is what was in use at the last collection.
type holds struct{ goroutines, files, heap float64 }

func holdsNow(ctx context.Context) (holds, error) {
	values, err := metrics(ctx)
	return holds{values["go_goroutines"], values["process_open_fds"], values["go_gc_heap_live_bytes"]}, err
}

// cycles: of many calls that come and go nothing is left.
func (b *bench) cycles(ctx context.Context) error {
	_, stop, err := b.serve(ctx, "conferences: [{id: stays}]\n")
	if err != nil {
		return err
	}
	defer stop()
	callers := conftest.Callers{Target: target}
	rooms := []string{"stays", "comes-and-goes", "and-another", "stays"}
	if _, err = callers.Cycle(ctx, warmCalls, callsAtOnce, rooms...); err != nil {
		return err
	}
	before, err := b.settled(ctx, func(holds) bool { return false })
	if err != nil {
		return err
	}
	r, err := callers.Cycle(ctx, b.calls, callsAtOnce, rooms...)
	if err != nil {
		return err
	}
	same := false
	after, err := b.settled(ctx, func(now holds) bool {
		same = now.goroutines <= before.goroutines+sameGoroutines && now.files <= before.files && now.heap <= before.heap*sameHeap
		return same
	})
	if err != nil {
		return err
	}
	b.report(same && r.Failed == 0, fmt.Sprintf("%d calls that come and go, %.0f a second", r.Calls, float64(r.Calls)/r.Took.Seconds()),
		"none fails; goroutines, files and heap as before", "%d failed, p99 from INVITE to 200 %v; goroutines %.0f, then %.0f; files %.0f, then %.0f; heap in use %.1f, then %.1f MB",
		r.Failed, r.Setup.Round(time.Millisecond), before.goroutines, after.goroutines, before.files, after.files, before.heap/1e6, after.heap/1e6)
	return nil
}

// settled is what the server holds when enough says so, or after the time in which it forgets. A call now and then has it sweep what has expired.
func (b *bench) settled(ctx context.Context, enough func(holds) bool) (now holds, err error) {
	for deadline := time.Now().Add(forgotten); time.Now().Before(deadline); {
		if err = pause(ctx, time.Second); err != nil {
			return now, err
		}
		if _, err = (conftest.Callers{Target: target}).Cycle(ctx, 1, 1, "stays"); err != nil {
			return now, err
		}
		if now, err = holdsNow(ctx); err != nil || enough(now) {
			return now, err
		}
	}
	return now, nil
}

// surge: many come within seconds to many conferences, and all leave at once; then the same with all in one conference, to which more come.
func (b *bench) surge(ctx context.Context) error {
	rooms := make([]string, stormCalls)
	for i := range rooms {
		rooms[i] = fmt.Sprintf("room%d", i)
	}
	err := b.surgeOf(ctx, conftest.Callers{Target: target}, surgeCalls, fmt.Sprintf("%d calls come in %v, and leave at once", surgeCalls, surgeTime), rooms...)
	if err != nil {
		return err
	}
	what := fmt.Sprintf("to one conference of %d come %d in %v, and then %d leave at once", surgeCalls, surgeMore, surgeTime*surgeMore/surgeCalls, surgeCalls)
	return b.surgeOf(ctx, conftest.Callers{Target: target, Leave: surgeCalls}, surgeCalls+surgeMore, what, "hall")
}

func (b *bench) surgeOf(ctx context.Context, callers conftest.Callers, calls int, what string, rooms ...string) error {
	_, stop, err := b.serve(ctx, "")
	if err != nil {
		return err
	}
	defer stop()
	machine := watchStalls(lateBucket)
	r, err := callers.Surge(ctx, calls, surgeTime*time.Duration(calls)/surgeCalls, func() {}, rooms...)
	times, longest := machine.stop()
	if err != nil {
		return err
	}
	return b.reportTicks(ctx, r, what, fmt.Sprintf("; a processor of the machine itself stood still %d times, %v at most", times, longest.Round(time.Millisecond)))
}

// storm: calls go on beside connections that say nothing, and messages that are nothing but parameters.
func (b *bench) storm(ctx context.Context) error {
	_, stop, err := b.serve(ctx, "")
	if err != nil {
		return err
	}
	defer stop()
	var failed error
	r, err := conftest.Callers{Target: target}.Surge(ctx, stormCalls, time.Second, func() {
		silent, connecting := connect(ctx, 2*silentEach)
		failed = errors.Join(connecting, bombard(ctx, time.Duration(b.seconds)*time.Second))
		for _, conn := range silent {
			_ = conn.Close()
		}
	}, "one", "two", "three")
	if err = errors.Join(err, failed); err != nil {
		return err
	}
	return b.reportTicks(ctx, r, fmt.Sprintf("%d calls beside %d silent connections, and messages of 32 KB of parameters", stormCalls, 2*silentEach), "")
}

// reportTicks says whether calls failed, or the mixer was late.
func (b *bench) reportTicks(ctx context.Context, r conftest.CallersReport, what, beside string) error {
	values, err := metrics(ctx)
	if err != nil {
		return err
	}
	total := values["parley_mixer_tick_lateness_seconds_count"]
	late := total - within(values, "parley_mixer_tick_lateness_seconds", lateTick)
	if r.Failed > 0 {
		fmt.Println("the first that failed:", r.First)
	}
	b.report(r.Failed == 0 && late == 0 && total > 0, what, "none fails, no tick more than 10 ms late", "%d failed, p99 from INVITE to 200 %v, from BYE to 200 %v; %.0f of %.0f ticks late%s",
		r.Failed, r.Setup.Round(time.Millisecond), r.Leave.Round(time.Millisecond), late, total, beside)
	return nil
}

// within counts what a histogram has of at most a value, as far as its buckets tell: those in the bucket of the value are not in it.
func within(values map[string]float64, name string, most float64) (count float64) {
	for key, n := range values {
		text, found := strings.CutPrefix(key, name+`_bucket{le="`)
		if le, err := strconv.ParseFloat(strings.TrimSuffix(text, `"}`), 64); found && err == nil && le <= most {
			count = max(count, n)
		}
	}
	return count
}

// connect opens connections over which nothing is said.
func connect(ctx context.Context, count int) (silent []net.Conn, err error) {
	for range count {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", target)
		if err != nil {
			return silent, err
		}
		silent = append(silent, conn)
	}
	return silent, nil
}

// bombard sends messages of parameters for a time, a thousand in a second.
func bombard(ctx context.Context, lasts time.Duration) error {
	socket, err := new(net.Dialer).DialContext(ctx, "udp", target)
	if err != nil {
		return err
	}
	defer socket.Close() //nolint:errcheck // nothing was written that counts
	many := strings.Repeat(";p=1", 8<<10)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	until := time.Now().Add(lasts)
	for n := 0; time.Now().Before(until); n++ {
		<-tick.C
		message := fmt.Sprintf("INVITE sip:1000@h SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK%d%s\r\nFrom: <sip:x@h>;tag=1\r\nTo: <sip:1000@h>\r\nCall-ID: %d\r\n"+
			"CSeq: 1 INVITE\r\nContact: <sip:x@127.0.0.1>\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n", n, many, n)
		if _, err = socket.Write([]byte(message)); err != nil {
			return err
		}
	}
	return nil
}
