package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/parley-sip/parley/internal/control"
	"github.com/parley-sip/parley/internal/telemetry"
)

const (
	// alarmPeriod is how often it is looked.
	alarmPeriod = 15 * time.Second
	// spoolPatience is how long something may wait in the spool, and certificateNotice how long before its end a certificate should be another.
	spoolPatience, certificateNotice = time.Hour, 14 * 24 * time.Hour
	// A tenth of the ports and a fifth of the spool should be free; half as much again ends the alarm, so that it does not come and go.
	portShare, spoolShare, enough = 10, 5, 3
	// stutterRest is how long after the last tick that was left out the alarm ends.
	stutterRest = 5 * time.Minute
)

// condition is something that an operator has to do something about.
type condition struct {
	name, about string // which alarm, and of what there may be several
	critical    bool
	detail      string
	known       bool // the log has it from elsewhere
}

// board is the alarms that are active. It is safe for concurrent use.
type board struct {
	log *slog.Logger

	mu     sync.Mutex
	active []control.AlarmInfo
	missed uint64    // ticks, when it was last looked
	missAt time.Time // when that was last more than before
}

// look takes over what is so now: what is new is logged, and what is over.
func (b *board) look(now time.Time, conditions []condition) {
	b.mu.Lock()
	defer b.mu.Unlock()
	next := make([]control.AlarmInfo, 0, len(conditions))
	for _, c := range conditions {
		alarm := control.AlarmInfo{Name: c.name, About: c.about, Severity: "warning", Detail: c.detail, Since: *control.Moment(now)}
		if c.critical {
			alarm.Severity = "critical"
		}
		if i := slices.IndexFunc(b.active, alarm.Same); i >= 0 {
			alarm.Since, alarm.Acknowledged = b.active[i].Since, b.active[i].Acknowledged
			if seen := alarm.Acknowledged; seen != nil && c.critical && seen.Severity != alarm.Severity {
				alarm.Acknowledged = nil // it is worse than what he saw
			}
		} else if !c.known {
			b.log.Warn("alarm", slog.String("name", c.name), slog.String("about", c.about), slog.Bool("active", true), slog.String("detail", c.detail))
		}
		next = append(next, alarm)
	}
	for _, old := range b.active {
		if !slices.ContainsFunc(next, old.Same) {
			b.log.Info("alarm", slog.String("name", old.Name), slog.String("about", old.About), slog.Bool("active", false))
		}
	}
	b.active = next
}

// has tells whether an alarm is active.
func (b *board) has(name string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.ContainsFunc(b.active, func(a control.AlarmInfo) bool { return a.Name == name })
}

// stutters tells whether ticks have been left out lately.
func (b *board) stutters(now time.Time, missed uint64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if missed > b.missed {
		b.missed, b.missAt = missed, now
	}
	return !b.missAt.IsZero() && now.Sub(b.missAt) < stutterRest
}

// list gives the active ones.
func (b *board) list() []control.AlarmInfo {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]control.AlarmInfo{}, b.active...)
}

// acknowledge notes who knows of one that is active; nil: nobody, after all.
func (b *board) acknowledge(name, about string, seen *control.AlarmSeen) (control.AlarmInfo, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	i := slices.IndexFunc(b.active, control.AlarmInfo{Name: name, About: about}.Same)
	if i < 0 {
		return control.AlarmInfo{}, fmt.Errorf("%w: %s", control.ErrNoAlarm, strings.TrimSpace(name+" "+about))
	}
	alarm := &b.active[i]
	alarm.Acknowledged = nil
	if seen != nil {
		known := *seen
		known.Severity = alarm.Severity
		alarm.Acknowledged = &known
	}
	return *alarm, nil
}

// scarce tells whether less than one in so many is left; once the alarm is active, it is so until there is half as much again.
func scarce(free, all, share int64, active bool) bool {
	if active {
		return 2*free*share < enough*all
	}
	return free*share < all
}

// resourceConditions are those of what is left of what the service needs.
func (b *board) resourceConditions(now time.Time, r *telemetry.Resources, waiting int64) []condition {
	var out []condition
	if r.Spool != nil {
		if all := r.Spool.Free + waiting; waiting > 0 && scarce(r.Spool.Free, all, spoolShare, b.has("spool-full")) || r.Spool.Free == 0 {
			out = append(out, condition{name: "spool-full", critical: true, detail: fmt.Sprintf(
				"%d octets wait, %d more are kept (recording.spool.max_size, or the disk); what comes after that is lost: see to the recording servers", waiting, r.Spool.Free)})
		}
		if r.Spool.Oldest > spoolPatience {
			out = append(out, condition{name: "spool-age", detail: fmt.Sprintf(
				"a recording that began %v ago still waits: see to the recording servers", r.Spool.Oldest.Round(time.Minute))})
		}
	}
	for _, certificate := range r.Certificates {
		if left := certificate.NotAfter.Sub(now); left < certificateNotice {
			out = append(out, condition{name: "certificate", about: certificate.Name, critical: left < certificateNotice/7, detail: fmt.Sprintf( //nolint:mnd // two days
				"ends at %s: renew it, then `parley reload`", certificate.NotAfter.UTC().Format(time.RFC3339))})
		}
	}
	if p := r.Ports; p != nil && scarce(int64(p.Free), int64(p.All), portShare, b.has("ports")) {
		out = append(out, condition{name: "ports", critical: p.Free == 0, detail: fmt.Sprintf(
			"%d pairs of %d are free: media.ports wants to be larger", p.Free, p.All)})
	}
	if r.Threads != nil && r.Threads.Ordinary > 0 {
		out = append(out, condition{name: "realtime", known: true, detail: fmt.Sprintf(
			"%d threads that mix are no real-time threads: other work on this machine makes audio late (LimitRTPRIO=5 or CAP_SYS_NICE)", r.Threads.Ordinary)})
	}
	return out
}

// peerConditions are those of recording servers, trunks and whoever else is to take what we have. The log has them from where they are found.
func (s *service) peerConditions() []condition {
	var out []condition
	servers, down := s.focus.RecordingServers(), 0
	for _, r := range servers {
		if r.State == "down" || r.State == "resting" {
			down++
			out = append(out, condition{name: "recording-server", about: r.Name, known: true, detail: fmt.Sprintf("%s, %d failures in a row", r.State, r.Failures)})
		}
	}
	for i := range out {
		out[i].critical = down == len(servers) // nobody takes recordings
	}
	for _, t := range s.Trunks() {
		if t.State == "failed" || t.State == "down" {
			out = append(out, condition{name: "trunk", about: t.Name, critical: true, known: true, detail: t.State + ": " + t.Reason})
		}
	}
	if s.recorder != nil && s.recorder.Stats().DiskLow {
		out = append(out, condition{name: "recorder-disk", critical: true, known: true, detail: "less than srs.min_free is left, and no recording begins"})
	}
	applications := s.applications()
	if r := applications.Records; r != nil && r.Failing {
		out = append(out, condition{name: "call-records", critical: true, known: true, detail: fmt.Sprintf("%d cannot be written to cdr.file", r.Waiting)})
	}
	for _, h := range applications.Webhooks {
		if h.Failing {
			out = append(out, condition{name: "webhook", about: h.Name, known: true, detail: fmt.Sprintf("%d events wait", h.Waiting)})
		}
	}
	return out
}

// watch looks at once and then every alarmPeriod, until the service ends.
func (s *service) watch(ctx context.Context) {
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	look := func(now time.Time) {
		r := s.resources()
		conditions := s.alarms.resourceConditions(now, &r, s.focus.SpoolBytes())
		if missed := s.mixer.Stats().MissedTicks; s.alarms.stutters(now, missed) {
			conditions = append(conditions, condition{name: "ticks", critical: true, detail: fmt.Sprintf(
				"%d ticks of the mixer have been left out since the start, the last ones within %v: their audio is lost; see what else runs on the machine, and limits.cpu", missed, stutterRest)})
		}
		s.alarms.look(now, append(conditions, s.peerConditions()...))
	}
	look(time.Now())
	go func() {
		defer close(done)
		ticker := time.NewTicker(alarmPeriod)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				look(time.Now()) // the ticker's time is that at which it was due
			case <-ctx.Done():
				return
			}
		}
	}()
	s.onClose("alarms", func(context.Context) error {
		stop()
		<-done
		return nil
	})
}

// Alarms implements control.Operation.
func (s *service) Alarms() []control.AlarmInfo { return s.alarms.list() }

// AcknowledgeAlarm implements control.Operation.
func (s *service) AcknowledgeAlarm(name, about string, seen *control.AlarmSeen) (control.AlarmInfo, error) {
	return s.alarms.acknowledge(name, about, seen)
}

type alarmCommands struct {
	Ls          alarmList        `cmd:"" help:"List the alarms that are active."`
	Acknowledge alarmAcknowledge `cmd:"" help:"Acknowledge an alarm."`
}

type alarmList struct {
	server
	list
}

// Run lists the alarms.
func (c *alarmList) Run(ctx context.Context, t *terminal) error {
	var found json.RawMessage
	if err := c.client().get(ctx, "/alarms", &found); err != nil {
		return err
	}
	return t.show(c.JSON, found, "severity", "name", "about", "since", "acknowledged", "detail")
}

type alarmAcknowledge struct {
	server
	Name  string `arg:"" help:"What it is, as certificate."`
	About string `arg:"" optional:"" help:"Of what, where there may be several."`
	By    string `help:"Who has seen to it."`
	Note  string `help:"What was found, or done about it."`
	Undo  bool   `help:"Take it back."`
}

// Run acknowledges an alarm.
func (c *alarmAcknowledge) Run(ctx context.Context) error {
	in := map[string]any{"about": c.About, "acknowledged": !c.Undo, "by": c.By, "note": c.Note}
	return c.client().do(ctx, "PATCH", path("alarms", c.Name), in, nil)
}
