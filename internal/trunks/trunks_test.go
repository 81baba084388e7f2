package trunks_test

import (
	"context"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-sip/parley/internal/access"
	"github.com/parley-sip/parley/internal/sipua"
	"github.com/parley-sip/parley/internal/trunks"
)

const patience = 10 * time.Second

// registrar is a peer that wants passwords and registrations of at least 120 s.
type registrar struct {
	gate  *access.Gate
	least int

	mu       sync.Mutex
	seen     []string // method, status, Expires
	refusing bool
	lists    func(contact string) []string // what a 200 lists; nil: the Contact as it came
}

func (r *registrar) Invite(call *sipua.IncomingCall) { _ = call.Reject(sipua.NewResponse(486)) }

func (r *registrar) Subscribe(s *sipua.IncomingSubscription) { _ = s.Reject(sipua.NewResponse(489)) }

func (r *registrar) Request(request *sipua.Request) *sipua.Response {
	response := r.answer(request)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen = append(r.seen, request.Method+" "+strconv.Itoa(response.Status)+" "+request.Headers.Get("Expires"))
	return response
}

func (r *registrar) answer(request *sipua.Request) *sipua.Response {
	r.mu.Lock()
	refusing := r.refusing
	r.mu.Unlock()
	if refusing {
		return sipua.NewResponse(403)
	}
	if _, verdict := r.gate.Admit(request); verdict.Refusal != nil {
		return verdict.Refusal
	}
	expires, _ := strconv.Atoi(request.Headers.Get("Expires"))
	if expires > 0 && expires < r.least {
		return sipua.NewResponse(423, sipua.Header{Name: "Min-Expires", Value: strconv.Itoa(r.least)})
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	response := sipua.NewResponse(200)
	list := []string{request.Headers.Get("Contact")}
	if r.lists != nil {
		list = r.lists(list[0])
	}
	for _, contact := range list {
		response.WithHeader("Contact", contact)
	}
	return response
}

func (r *registrar) log() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.seen)
}

func agent(t *testing.T, handler sipua.Handler) *sipua.Agent {
	t.Helper()
	a, err := sipua.New(sipua.Config{
		Listen: []string{"udp://127.0.0.1:0"}, Methods: []string{"REGISTER", "OPTIONS", "INVITE", "ACK"},
		Timers: sipua.Timers{T1: 10 * time.Millisecond, T2: 80 * time.Millisecond},
	}, handler)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_ = a.Shutdown(ctx)
	})
	return a
}

// await waits until the state of the first trunk is this.
func await(t *testing.T, set *trunks.Set, state string) trunks.Status {
	t.Helper()
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for deadline := time.After(patience); ; {
		status := set.Status()[0]
		if status.State == state {
			return status
		}
		select {
		case <-look.C:
		case <-deadline:
			t.Fatalf("want %s, is %+v", state, status)
		}
	}
}

func setUp(t *testing.T) (*registrar, *trunks.Set, trunks.Config) {
	t.Helper()
	gate, err := access.New(access.Config{Realm: "pbx", Users: []access.User{{Name: "bridge", Password: "secret"}}})
	if err != nil {
		t.Fatal(err)
	}
	peer := &registrar{gate: gate, least: 120}
	config := trunks.Config{
		Name: "pbx", URI: agent(t, peer).Contact(""), Username: "bridge", Password: "secret", Register: true, Expires: time.Minute, Numbers: []string{"+44*"},
	}
	set := trunks.New([]trunks.Config{config}, "conf.example.com", agent(t, &registrar{gate: gate}), slog.New(slog.DiscardHandler))
	return peer, set, config
}

// TestRegister: we answer the challenge, register for as long as the registrar
// wants, say so, and take it back in the end (RFC 3261, section 10.2).
func TestRegister(t *testing.T) {
	peer, set, _ := setUp(t)
	set.Start()
	status := await(t, set, "registered")
	if left := time.Until(status.Until); left < 100*time.Second || left > 121*time.Second {
		t.Errorf("registered for %v", left)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := set.Close(ctx); err != nil {
		t.Fatal(err)
	}
	log := peer.log()
	if got := strings.Join(log[:3], ", "); got != "REGISTER 401 60, REGISTER 423 60, REGISTER 200 120" {
		t.Errorf("began with %s", got)
	}
	if last := log[len(log)-1]; last != "REGISTER 200 0" {
		t.Errorf("ended with %s", last)
	}
	for _, line := range log[3:] {
		if strings.Contains(line, "401") {
			t.Errorf("the answer to the challenge was not used again: %s", log)
		}
	}
}

// TestRegistrarMustListUs: a 200 without our Contact has registered nobody, and
// of several Contacts it is ours whose time counts (RFC 3261, section 10.3).
func TestRegistrarMustListUs(t *testing.T) {
	const other = "<sip:bridge@192.0.2.9:5060>;expires=60"
	for name, c := range map[string]struct {
		lists func(string) []string
		state string
		left  time.Duration
	}{
		"nothing":    {func(string) []string { return nil }, "failed", 0},
		"another":    {func(string) []string { return []string{other} }, "failed", 0},
		"a past one": {func(own string) []string { return []string{strings.Replace(own, "expires=120", "expires=0", 1)} }, "failed", 0},
		"others, too": {func(own string) []string {
			return []string{other, strings.Replace(own, "expires=120", "expires=300", 1)}
		}, "registered", 300 * time.Second},
		"with its own": {func(own string) []string { return []string{strings.Replace(own, ">", ";received=x>;q=0.5", 1)} }, "registered", 120 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			peer, set, _ := setUp(t)
			peer.mu.Lock()
			peer.lists = c.lists
			peer.mu.Unlock()
			set.Start()
			status := await(t, set, c.state)
			switch left := time.Until(status.Until); {
			case c.state == "failed" && !strings.Contains(status.Reason, "does not list our Contact sip:bridge@127.0.0.1"):
				t.Errorf("reason %q", status.Reason)
			case c.state == "registered" && (left > c.left || left < c.left-20*time.Second):
				t.Errorf("registered for %v", left)
			}
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			if err := set.Close(ctx); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// TestRegisterRefused: what the registrar says is told, and the next
// configuration is taken while the trunk waits.
func TestRegisterRefused(t *testing.T) {
	peer, set, config := setUp(t)
	peer.mu.Lock()
	peer.refusing = true
	peer.mu.Unlock()
	set.Start()
	if status := await(t, set, "failed"); !strings.Contains(status.Reason, "403") {
		t.Errorf("%+v", status)
	}
	peer.mu.Lock()
	peer.refusing = false
	peer.mu.Unlock()
	config.Password = "wrong"
	set.Set([]trunks.Config{config})
	if status := await(t, set, "failed"); !strings.Contains(status.Reason, "401") {
		t.Errorf("%+v", status)
	}
	if n := len(peer.log()); n != 3 { // 403, 401, and one attempt
		t.Errorf("a wrong password was sent %d times", n-2)
	}
	config.Register, config.Keepalive = false, time.Minute
	set.Set([]trunks.Config{config})
	await(t, set, "up") // any response says so
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := set.Close(ctx); err != nil {
		t.Fatal(err)
	}
}

// TestRoute: numbers of a trunk are called by it, by its name or at our domain.
func TestRoute(t *testing.T) {
	_, set, config := setUp(t)
	for target, want := range map[string]struct{ by, listed bool }{
		"sip:+4420@pbx": {true, true}, "sip:+1900@pbx": {true, false}, "sip:+4420@conf.example.com": {true, true},
		"sip:1000@conf.example.com": {}, "sip:+4420@elsewhere.example.com": {},
	} {
		uri, _ := sipua.ParseURI(target)
		to, by, listed := set.Route(uri)
		if (by != nil) != want.by || listed != want.listed || want.by && (to.Host != config.URI.Host || to.User != uri.User || to.Port != config.URI.Port) {
			t.Errorf("%s: %v, %v, %v", target, to, by, listed)
		}
		if by != nil && (by.From.URI.User != "bridge" || by.Credentials == nil) {
			t.Errorf("%s goes as %v", target, by.From)
		}
	}
	if known := set.Credentials(config.Name); known == nil || known.Username != config.Username || set.Credentials("elsewhere") != nil {
		t.Errorf("its challenges are answered by %+v", known)
	}
}
