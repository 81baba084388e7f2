package trunks

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/parley-sip/parley/internal/sipua"
)

const (
	// firstRetry doubles with each failure up to lastRetry (RFC 5626, section 4.5).
	firstRetry = 5 * time.Second
	lastRetry  = 5 * time.Minute
	// farewell is how long we try to take a registration back.
	farewell = 2 * time.Second
	// askTimeout is how long an OPTIONS may take.
	askTimeout = 5 * time.Second
)

func newCallID() string {
	var bits [15]byte
	_, _ = rand.Read(bits[:]) // never fails
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(bits[:]))
}

// spread takes up to a tenth off, so that trunks do not come all at once.
func spread(d time.Duration) time.Duration {
	var bits [1]byte
	_, _ = rand.Read(bits[:]) // never fails
	return d - d/10*time.Duration(bits[0])/256
}

func matches(pattern, text string) bool {
	prefix, suffix, wild := strings.Cut(pattern, "*")
	if !wild {
		return pattern == text
	}
	return len(text) >= len(prefix)+len(suffix) && strings.HasPrefix(text, prefix) && strings.HasSuffix(text, suffix)
}

// keepRegistered registers, refreshes, and takes the registration back in the
// end.
func (t *trunk) keepRegistered() {
	t.become("registering", "", time.Time{})
	failures, registered := 0, false
	for t.life.Err() == nil {
		granted, err := t.register(t.life, t.expires)
		pause := spread(granted * 3 / 4)
		switch {
		case t.life.Err() != nil:
		case err != nil:
			pause = spread(min(lastRetry, firstRetry<<min(failures, 10)))
			if wanted := retryAfter(err); wanted > pause {
				pause = min(wanted, lastRetry)
			}
			failures++
			t.become("failed", err.Error(), time.Time{})
		default:
			failures, registered = 0, true
			t.become("registered", "", time.Now().Add(granted))
		}
		t.sleep(pause)
	}
	if registered {
		ctx, cancel := context.WithTimeout(context.Background(), farewell)
		defer cancel()
		_, _ = t.register(ctx, 0) // it ends by itself anyway
	}
}

func (t *trunk) sleep(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-t.life.Done():
	}
}

// register sends one REGISTER and returns what was granted (RFC 3261, section
// 10.2). A registrar that wants longer registrations gets them (section 10.2.8).
func (t *trunk) register(ctx context.Context, expires time.Duration) (time.Duration, error) {
	for range 2 {
		response, contact, err := t.sendRegister(ctx, expires)
		if err == nil && expires == 0 {
			return 0, nil
		}
		if err == nil {
			return granted(response, contact, expires)
		}
		least, ok := minExpires(err)
		if !ok || least <= expires || expires == 0 {
			return 0, err
		}
		expires, t.expires = least, least
	}
	return 0, errTooBrief
}

var errTooBrief = errors.New("the registrar refuses the time that it has asked for")

func (t *trunk) sendRegister(ctx context.Context, expires time.Duration) (*sipua.Response, sipua.URI, error) {
	registrar := t.URI
	registrar.User, registrar.Password = "", ""
	contact := t.set.agent.Contact(sipua.EscapeUser(t.Username), t.transport())
	value := strconv.Itoa(int(expires / time.Second))
	t.cseq += 8 // room for attempts with credentials (sipua counts those itself)
	response, err := t.set.agent.Request(ctx, sipua.OutgoingRequest{
		Method: "REGISTER", URI: registrar, To: t.account(), From: t.account(), Contact: sipua.Address{URI: contact}, CallID: t.callID, CSeq: t.cseq,
		Headers: sipua.Headers{
			{Name: "Contact", Value: sipua.Address{URI: contact}.With("expires", value).String()}, {Name: "Expires", Value: value},
		},
		Trunk: t.by,
	})
	return response, contact, err
}

// transport is that of the way to the peer; "" for the usual one.
func (t *trunk) transport() string {
	uri := t.URI
	if !t.Proxy.IsZero() {
		uri = t.Proxy
	}
	if transport := uri.Param("transport"); transport != "" {
		return transport
	}
	if uri.Scheme == "sips" {
		return "tls"
	}
	return ""
}

// errNotBound says that a 2xx does not list our Contact: nobody is called there, whatever the status says.
var errNotBound = errors.New("the registrar has accepted, but does not list our Contact")

// granted is for how long we are registered: what the response says of our
// Contact, or of all, or what we wanted. A registrar lists every binding that it
// has, with its time (RFC 3261, section 10.3, step 8). Error: errNotBound.
func granted(response *sipua.Response, contact sipua.URI, wanted time.Duration) (time.Duration, error) {
	for _, value := range response.Headers.List("Contact") {
		other, err := sipua.ParseAddress(value)
		if err != nil || !sameContact(other.URI, contact) {
			continue
		}
		text, ok := other.Params.Get("expires")
		if !ok {
			text = response.Headers.Get("Expires")
		}
		n, err := strconv.ParseUint(text, 10, 31)
		if err != nil {
			n = uint64(wanted / time.Second) //nolint:gosec // positive; the registrar says nothing of the time
		}
		if n > 0 {
			return time.Duration(n) * time.Second, nil
		}
	}
	return 0, fmt.Errorf("%w %s", errNotBound, contact.Bare())
}

// sameContact compares where two Contacts lead, without their parameters, which registrars add to.
func sameContact(x, y sipua.URI) bool {
	port := func(u sipua.URI) uint16 {
		if u.Port == 0 && (u.Scheme == "sips" || strings.EqualFold(u.Param("transport"), "tls")) {
			return 5061
		}
		return cmp.Or(u.Port, 5060)
	}
	return x.UserPart() == y.UserPart() && strings.EqualFold(x.Host, y.Host) && port(x) == port(y)
}

func minExpires(err error) (time.Duration, bool) {
	refused, ok := errors.AsType[*sipua.StatusError](err)
	if !ok || refused.Response.Status != 423 {
		return 0, false
	}
	n, parse := strconv.ParseUint(refused.Response.Headers.Get("Min-Expires"), 10, 31)
	return time.Duration(n) * time.Second, parse == nil
}

func retryAfter(err error) time.Duration {
	refused, ok := errors.AsType[*sipua.StatusError](err)
	if !ok {
		return 0
	}
	wait, _ := sipua.RetryAfter(refused.Response)
	return wait
}

// keepAsking asks the peer by OPTIONS whether it is there. Any response says so
// (RFC 3261, section 11).
func (t *trunk) keepAsking() {
	for t.life.Err() == nil {
		ctx, cancel := context.WithTimeout(t.life, askTimeout)
		_, err := t.set.agent.Request(ctx, sipua.OutgoingRequest{Method: "OPTIONS", URI: t.URI, Trunk: t.by})
		cancel()
		switch _, answered := errors.AsType[*sipua.StatusError](err); {
		case t.life.Err() != nil:
		case err == nil || answered:
			t.become("up", "", time.Time{})
		default:
			t.become("down", err.Error(), time.Time{})
		}
		t.sleep(spread(t.Keepalive))
	}
}
