package main

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/internal/config"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/internal/control"
	"github.com/parley-sip/parley/internal/media"
	"github.com/parley-sip/parley/internal/memnet"
	"github.com/parley-sip/parley/internal/prompts"
	"github.com/parley-sip/parley/internal/sipua"
	"github.com/parley-sip/parley/mixer"
)

// inBubble is a service under the virtual clock of a test: signalling goes through memory, and the mixer is driven by a ticker.
func inBubble(t *testing.T, shutdown config.Shutdown) (*service, *memnet.Network) {
	t.Helper()
	network := &memnet.Network{}
	s := &service{log: slog.New(slog.DiscardHandler), reloads: reloads{cfg: &config.Config{Shutdown: shutdown}}}
	var err error
	s.media, err = media.NewTransport(media.Config{ListenAddress: netip.MustParseAddr("127.0.0.1"), Symmetric: true, PortMin: 24000, PortMax: 26000})
	check(t, err)
	s.mixer, err = mixer.New(mixer.Config{Workers: 1, OnSpeakers: func(m *mixer.Mix, active []mixer.MemberID) { s.focus.Speakers(m, active) }})
	check(t, err)
	words, err := prompts.New("", "")
	check(t, err)
	s.focus, err = focus.New(focus.Config{Dynamic: true}, focus.Deps{Mixer: s.mixer, Media: s.media, Logger: s.log, Prompts: words})
	check(t, err)
	s.agent, err = sipua.New(sipua.Config{Listen: []string{"udp://127.0.0.1:5060"}, Network: network}, s.focus)
	check(t, err)
	s.focus.Serve(s.agent)
	s.control = control.New(control.Config{}, s.focus, http.NotFoundHandler())
	ticker := time.NewTicker(mixer.TickPeriod)
	check(t, s.mixer.Drive(ticker.C))
	check(t, s.agent.Start(t.Context()))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), drainTime)
		defer cancel()
		check(t, s.focus.Shutdown(ctx))
		check(t, s.agent.Shutdown(ctx))
		check(t, s.mixer.Close())
		check(t, s.media.Close())
		ticker.Stop()
	})
	return s, network
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// After a signal calls go on for as long as they may, and no new ones are taken; at the end of that time the announcement begins, and they end with a
// BYE when it has been said. A second signal ends the wait without one.
func TestDrainOnTime(t *testing.T) {
	words, err := prompts.New("", "")
	check(t, err)
	said, _ := words.Sound("conference-ended")
	announcement := time.Duration(len(said))*time.Second/prompts.Rate + 200*time.Millisecond // with the jitter buffers of participants
	const drain = 30 * time.Second
	for _, c := range []struct {
		name         string
		announce     bool
		leaves       time.Duration // the caller, by himself; 0: never
		again        time.Duration // when the second signal comes; 0: never
		lasts, ended time.Duration // the drain, and the call; 0: the call goes on
	}{
		{"calls go on", true, 0, 0, drain + announcement, drain + announcement},
		{"without words", false, 0, 0, drain, 0},
		{"the call ends by itself", true, 10 * time.Second, 0, 10 * time.Second, 10 * time.Second},
		{"a second signal", true, 0, 20 * time.Second, 20 * time.Second, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, network := inBubble(t, config.Shutdown{Drain: drain, Announce: c.announce})
				alice := caller(t, network, "alice")
				check(t, alice.Call(t.Context(), "sip:room@127.0.0.1:5060"))
				impatient, signal := context.WithCancel(t.Context())
				defer signal()
				began := time.Now()
				ended := make(chan time.Duration, 1)
				go func() {
					<-alice.Over()
					ended <- time.Since(began)
				}()
				if c.again > 0 {
					defer time.AfterFunc(c.again, signal).Stop()
				}
				over := make(chan time.Duration)
				go func() {
					s.drain(impatient)
					over <- time.Since(began)
				}()
				<-time.After(time.Second)
				if err := caller(t, network, "late").Call(t.Context(), "sip:room@127.0.0.1:5060"); sipua.Status(err) != 503 {
					t.Errorf("who calls meanwhile: %v", err)
				}
				if c.leaves > 0 {
					<-time.After(c.leaves - time.Since(began))
					check(t, alice.Hangup(t.Context()))
				}
				onTime(t, "the drain", <-over, c.lasts)
				synctest.Wait()
				select {
				case took := <-ended:
					onTime(t, "the call", took, c.ended)
				default:
					if c.ended > 0 {
						t.Error("the call goes on")
					}
				}
				reason := alice.Reason().Request
				if announced := c.ended > drain; announced != (reason != nil && reason.Headers.Get("Reason") == `SIP;cause=503;text="Shutting down"`) {
					t.Errorf("it was ended by %+v", reason)
				}
			})
		})
	}
}

// onTime compares a duration on the virtual clock with what it should be.
func onTime(t *testing.T, what string, took, want time.Duration) {
	t.Helper()
	if took < want || took > want+drainLook+50*time.Millisecond {
		t.Errorf("%s took %v, want %v", what, took, want)
	}
}

// caller is a phone in a bubble.
func caller(t *testing.T, network *memnet.Network, name string) *conftest.Phone {
	t.Helper()
	p, err := conftest.NewPhone(t.Context(), conftest.PhoneConfig{Name: name, Codec: codecs.PCMU, Origin: time.Now(), Network: network})
	check(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), drainTime)
		defer cancel()
		_ = p.Close(ctx)
	})
	return p
}
