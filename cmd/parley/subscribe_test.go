package main

import (
	"testing"
	"time"

	"github.com/parley-sip/parley/confevent"
	"github.com/parley-sip/parley/internal/config"
	"github.com/parley-sip/parley/internal/sipua"
)

// subscribeBy subscribes by a transport, and gives the documents.
func subscribeBy(t *testing.T, s *service, client *sipua.Agent, transport, event string, trunk *sipua.Trunk) (<-chan *sipua.Request, error) {
	t.Helper()
	notes := make(chan *sipua.Request, 10)
	_, err := client.Subscribe(t.Context(), sipua.OutgoingSubscription{
		To: sipua.Address{URI: s.agent.Contact("desk", transport).With("transport", transport)}, From: sipua.Address{URI: client.Contact("alice", transport)},
		Event: event, Accept: []string{confevent.ContentType}, Expires: time.Hour, Trunk: trunk,
		OnNotify: func(request *sipua.Request) *sipua.Response {
			notes <- request
			return nil
		},
	})
	return notes, err
}

// documentOf is what the first NOTIFY holds.
func documentOf(t *testing.T, notes <-chan *sipua.Request) (confevent.Document, *sipua.Request) {
	t.Helper()
	select {
	case note := <-notes:
		d, err := confevent.Unmarshal(note.Body)
		if err != nil {
			t.Fatal(err)
		}
		return d, note
	case <-time.After(20 * time.Second):
		t.Fatal("no NOTIFY")
		return confevent.Document{}, nil
	}
}

// agentOf is a user agent for a test.
func agentOf(t *testing.T, settings sipua.Config) *sipua.Agent {
	t.Helper()
	client, err := sipua.New(settings, &admission{})
	if err != nil {
		t.Fatal(err)
	}
	if err = client.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Shutdown(t.Context()) })
	return client
}

// TestSubscriptionsAreAuthenticated: a SUBSCRIBE, with rates as without, is asked for a password, and one of a moderator shows what moderators see.
//
// Shows CE-AUT-01, CE-RAT-13.
func TestSubscriptionsAreAuthenticated(t *testing.T) {
	s := testService(t, func(cfg *config.Config) {
		withUsers(cfg)
		cfg.Conferences = []config.Conference{{ID: "desk", Roster: &config.Roster{Subscribers: "moderators"}}}
	})
	client := agentOf(t, sipua.Config{Listen: []string{"udp://127.0.0.1:0"}})
	for _, event := range []string{"conference", "conference;max-rate=0.1"} {
		if _, err := subscribeBy(t, s, client, "udp", event, nil); sipua.Status(err) != 401 {
			t.Errorf("%s without a password: %v", event, err)
		}
		notes, err := subscribeBy(t, s, client, "udp", event, &sipua.Trunk{Credentials: &sipua.Credentials{Username: "alice", Password: "s3cret"}})
		if err != nil {
			t.Fatal(err)
		}
		if d, _ := documentOf(t, notes); d.State != confevent.Full || d.Users == nil {
			t.Errorf("%s: %+v", event, d)
		}
	}
	wrong := &sipua.Trunk{Credentials: &sipua.Credentials{Username: "alice", Password: "guess"}}
	if _, err := subscribeBy(t, s, client, "udp", "conference", wrong); sipua.Status(err) != 401 {
		t.Errorf("with a wrong password: %v", err)
	}
}

// TestSubscriptionsByTLS: where the policy wants it a SUBSCRIBE is taken by TLS only, between two who have shown their certificates, and its NOTIFYs
// come the same way.
//
// Shows CE-AUT-07, CE-AUT-08.
func TestSubscriptionsByTLS(t *testing.T) {
	cert, key := selfSigned(t)
	s := testService(t, func(cfg *config.Config) {
		cfg.SIP.Listen = []string{"udp://127.0.0.1:0", "tcp://127.0.0.1:0", "tls://127.0.0.1:0"}
		cfg.SIP.TLS = config.TLS{Cert: cert, Key: config.Secret(key), ClientCA: cert, RequireClientCert: true}
		cfg.Conferences = []config.Conference{{ID: "desk", Roster: &config.Roster{Transport: "tls"}}, {ID: "open"}}
	})
	settings := mustTLS(t, &config.TLS{Cert: cert, Key: config.Secret(key), CA: cert})
	client := agentOf(t, sipua.Config{Listen: []string{"udp://127.0.0.1:0", "tls://127.0.0.1:0"}, TLS: settings})
	for _, transport := range []string{"udp", "tcp"} {
		if _, err := subscribeBy(t, s, client, transport, "conference", nil); sipua.Status(err) != 403 {
			t.Errorf("by %s: %v", transport, err)
		}
	}
	_, err := client.Subscribe(t.Context(), sipua.OutgoingSubscription{ // by TLS, but its NOTIFYs would go in the clear
		To: sipua.Address{URI: s.agent.Contact("desk", "tls").With("transport", "tls")}, From: sipua.Address{URI: client.Contact("alice", "tls")},
		Contact: sipua.Address{URI: client.Contact("alice", "udp")}, Event: "conference", Expires: time.Hour,
	})
	if sipua.Status(err) != 403 {
		t.Errorf("with a Contact that is not TLS: %v", err)
	}
	notes, err := subscribeBy(t, s, client, "tls", "conference", nil)
	if err != nil {
		t.Fatal(err)
	}
	if d, note := documentOf(t, notes); d.State != confevent.Full || note.Transport != "tls" {
		t.Errorf("by %s: %+v", note.Transport, d)
	}
	unknown := agentOf(t, sipua.Config{Listen: []string{"udp://127.0.0.1:0"}, TLS: sipua.TLS{RootCAs: settings.RootCAs}})
	if _, err = subscribeBy(t, s, unknown, "tls", "conference", nil); err == nil || sipua.Status(err) != 0 {
		t.Errorf("without a certificate: %v", err)
	}
}
