package main

import (
	"bytes"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-sip/parley/internal/config"
	"github.com/parley-sip/parley/internal/control"
	"github.com/parley-sip/parley/internal/telemetry"
)

func names(list []control.AlarmInfo) []string {
	out := make([]string, 0, len(list))
	for _, a := range list {
		out = append(out, strings.TrimSuffix(a.Name+" "+a.About, " ")+" "+a.Severity)
	}
	return out
}

// What an operator has to do something about is an alarm from the bound on until there is clearly room again, and in the log once.
func TestAlarmsOfResources(t *testing.T) {
	var log bytes.Buffer
	now := time.Now()
	begun := now
	b := board{log: slog.New(slog.NewTextHandler(&log, nil))}
	certificate := func(left time.Duration) []telemetry.Certificate {
		return []telemetry.Certificate{{Name: "sip.tls", NotAfter: now.Add(left)}, {Name: "srs.tls", NotAfter: now.Add(90 * 24 * time.Hour)}}
	}
	for i, step := range []struct {
		r       telemetry.Resources
		waiting int64
		want    []string
	}{
		{telemetry.Resources{}, 0, []string{}},
		{telemetry.Resources{Spool: &telemetry.Spool{Free: 1000}, Ports: &telemetry.Ports{Free: 10, All: 100}, Threads: &telemetry.Threads{RealTime: 2}}, 0, []string{}},
		{telemetry.Resources{Spool: &telemetry.Spool{Free: 199}}, 801, []string{"spool-full critical"}},
		{telemetry.Resources{Spool: &telemetry.Spool{Free: 299}}, 701, []string{"spool-full critical"}}, // not enough to end it
		{telemetry.Resources{Spool: &telemetry.Spool{Free: 300}}, 700, []string{}},
		{telemetry.Resources{Spool: &telemetry.Spool{Free: 299}}, 701, []string{}},
		{telemetry.Resources{Spool: &telemetry.Spool{}}, 0, []string{"spool-full critical"}}, // others have filled the disk
		{telemetry.Resources{Spool: &telemetry.Spool{Free: 1000, Oldest: time.Hour}}, 1, []string{}},
		{telemetry.Resources{Spool: &telemetry.Spool{Free: 1000, Oldest: time.Hour + time.Second}}, 1, []string{"spool-age warning"}},
		{telemetry.Resources{Ports: &telemetry.Ports{Free: 9, All: 100}}, 0, []string{"ports warning"}},
		{telemetry.Resources{Ports: &telemetry.Ports{Free: 14, All: 100}}, 0, []string{"ports warning"}},
		{telemetry.Resources{Ports: &telemetry.Ports{All: 100}}, 0, []string{"ports critical"}},
		{telemetry.Resources{Ports: &telemetry.Ports{Free: 15, All: 100}}, 0, []string{}},
		{telemetry.Resources{Certificates: certificate(15 * 24 * time.Hour)}, 0, []string{}},
		{telemetry.Resources{Certificates: certificate(13 * 24 * time.Hour)}, 0, []string{"certificate sip.tls warning"}},
		{telemetry.Resources{Certificates: certificate(-time.Hour)}, 0, []string{"certificate sip.tls critical"}},
		{telemetry.Resources{Threads: &telemetry.Threads{RealTime: 1, Ordinary: 1}}, 0, []string{"realtime warning"}},
	} {
		b.look(now, b.resourceConditions(now, &step.r, step.waiting))
		if got := names(b.list()); !slices.Equal(got, step.want) {
			t.Errorf("step %d: %v, not %v", i, got, step.want)
		}
		for _, a := range b.list() {
			if a.Name == "ports" && a.Severity == "critical" && !time.Time(a.Since).Before(now) {
				t.Errorf("step %d: since %v, and it began before", i, time.Time(a.Since).Sub(begun))
			}
		}
		now = now.Add(alarmPeriod)
	}
	for what, want := range map[string]int{
		`name=spool-full about="" active=true`: 2, `name=spool-full about="" active=false`: 2, `name=ports about="" active=true`: 1, `name=ports about="" active=false`: 1,
		"name=certificate about=sip.tls active=true": 1, "name=realtime": 0, // that is in the log from the start
	} {
		if got := strings.Count(log.String(), what); got != want {
			t.Errorf("%s is in the log %d times, not %d:\n%s", what, got, want, &log)
		}
	}
}

// Who knows of an alarm is remembered as long as it is active and does not become worse.
func TestAlarmsAreAcknowledged(t *testing.T) {
	b := board{log: slog.New(slog.DiscardHandler)}
	ports := func(critical bool) []condition {
		return []condition{{name: "ports", critical: critical}, {name: "webhook", about: "crm"}}
	}
	seen := func() (by string) {
		for _, a := range b.list() {
			if a.Name == "ports" && a.Acknowledged != nil {
				by = a.Acknowledged.By + " " + a.Acknowledged.Severity
			}
			if a.Name == "webhook" && a.Acknowledged != nil {
				t.Error("another alarm is acknowledged")
			}
		}
		return by
	}
	now := time.Now()
	jane := &control.AlarmSeen{By: "jane"}
	if _, err := b.acknowledge("ports", "", jane); !errors.Is(err, control.ErrNoAlarm) {
		t.Errorf("before it is active: %v", err)
	}
	acknowledge := func(by *control.AlarmSeen) {
		t.Helper()
		if _, err := b.acknowledge("ports", "", by); err != nil {
			t.Error(err)
		}
	}
	want := func(what, want string) {
		t.Helper()
		if got := seen(); got != want {
			t.Errorf("%s: %q, not %q", what, got, want)
		}
	}
	b.look(now, ports(false))
	if _, err := b.acknowledge("webhook", "", jane); !errors.Is(err, control.ErrNoAlarm) {
		t.Errorf("of no webhook: %v", err)
	}
	acknowledge(jane)
	b.look(now, ports(false))
	want("it goes on", "jane warning")
	b.look(now, ports(true))
	want("it is worse", "")
	acknowledge(jane)
	b.look(now, ports(false))
	want("it is better", "jane critical")
	b.look(now, ports(true))
	want("it is again as he saw it", "jane critical")
	acknowledge(nil)
	want("taken back", "")
	acknowledge(jane)
	b.look(now, nil)
	b.look(now, ports(true))
	want("it begins anew", "")
}

// Ticks that are left out are an alarm for a while after the last one.
func TestAlarmOfMissedTicks(t *testing.T) {
	var b board
	now := time.Now()
	for i, step := range []struct {
		missed uint64
		after  time.Duration
		want   bool
	}{{0, 0, false}, {7, time.Second, true}, {7, stutterRest - time.Second, true}, {8, time.Second, true}, {8, stutterRest, false}} {
		now = now.Add(step.after)
		if got := b.stutters(now, step.missed); got != step.want {
			t.Errorf("step %d: %v", i, got)
		}
	}
}

// A server tells by its API what it lacks and who does not take what it has.
func TestAlarmsAreListed(t *testing.T) {
	s := testService(t, func(cfg *config.Config) {
		cfg.Media.Ports = []int{21000, 21001}
		cfg.Recording.Spool = config.Spool{Directory: t.TempDir(), Key: "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="}
	})
	phone := testPhone(t, "alice")
	if err := phone.Call(t.Context(), "sip:1000@"+s.agent.Addr("udp").String()); err != nil {
		t.Fatal(err)
	}
	r := s.resources()
	s.alarms.look(time.Now(), append(s.alarms.resourceConditions(time.Now(), &r, 0), s.peerConditions()...))
	if r.Spool == nil || r.Spool.Free <= 0 || r.Spool.Oldest != 0 || r.Ports.All != 1 || r.Ports.Free != 0 || r.Threads.RealTime+r.Threads.Ordinary == 0 {
		t.Errorf("%+v %+v %+v", r.Spool, r.Ports, r.Threads)
	}
	if got := fetched(t, "http://"+s.control.Addr()+"/api/v1/alarms"); !strings.Contains(got, `{"name":"ports","severity":"critical","detail":"0 pairs of 1 are free`) {
		t.Error(got)
	}
}
