package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/siprec/srs"
)

const (
	failoverRooms = 20
	secondPort    = "15071"
	thirdPort     = "15072"
	maxTakeover   = 2 * time.Second
	beforeDeath   = 8 * time.Second // everybody has come, and the recordings are under way
	afterDeath    = 12 * time.Second
	deadFor       = 8 * time.Second // longer than what is held in memory
	deliveryTime  = 2 * time.Minute
	finishTime    = 20 * time.Second
	pollTime      = 10 * time.Millisecond
	maxApart      = 5 * time.Millisecond
	// All have a copy more than they need, at a recorder that stays: it has what the conference has captured.
	failoverPolicy = `conference_defaults:
  recording: {policy: always, mode: [separate], servers: [all, one, two], select: failover, spool: false, %s}
recording:
  servers:
    - {name: all, uri: "sip:srs@127.0.0.1:` + thirdPort + `", codecs: [pcmu]}
    - {name: one, uri: "sip:srs@127.0.0.1:` + recorderPort + `", codecs: [pcmu]}
    - {name: two, uri: "sip:srs@127.0.0.1:` + secondPort + `", codecs: [pcmu]}
`
	spooledPolicy = `conference_defaults:
  recording: {policy: always, mode: [separate], servers: [all, one], spool: true}
recording:
  spool: {directory: %q, key: "cGFybGV5LWxvYWRiZW5jaC1zcG9vbC1rZXktMDAwMDA="}
  servers:
    - {name: all, uri: "sip:srs@127.0.0.1:` + thirdPort + `", codecs: [pcmu]}
    - {name: one, uri: "sip:srs@127.0.0.1:` + recorderPort + `", codecs: [pcmu], retry: {max: 1s, cooldown: 1s}}
`
)

// failover: the recorder is killed in the middle of twenty recordings. What all recorders have in the end is counted to the sample.
func (b *bench) failover(ctx context.Context) error {
	if err := b.takeover(ctx, "a second one takes over", "copies: 2"); err != nil {
		return err
	}
	return b.takeover(ctx, "two copies, no spool", "copies: 3")
}

// takeover kills the first of two recorders. The second one is in this process, which sees its first packets.
func (b *bench) takeover(ctx context.Context, what, policy string) error {
	all, stopAll, err := b.witness(ctx, policy)
	if err != nil {
		return err
	}
	defer stopAll()
	directories := []string{filepath.Join(b.work, "one "+policy), filepath.Join(b.work, "two "+policy)}
	primary, err := b.recorderAt(ctx, recorderPort, directories[0])
	if err != nil {
		return err
	}
	defer primary.stop()
	second, err := srs.New(srs.Config{Directory: directories[1], Listen: []string{"udp://127.0.0.1:" + secondPort, "tcp://127.0.0.1:" + secondPort}})
	if err != nil {
		return err
	}
	if err = second.Start(ctx); err != nil {
		return err
	}
	defer second.Close(context.WithoutCancel(ctx)) //nolint:errcheck // closed before in the usual case
	_, stop, err := b.serve(ctx, fmt.Sprintf(failoverPolicy, policy))
	if err != nil {
		return err
	}
	defer stop()
	v, over, err := talk(ctx, failoverRooms, beforeDeath+afterDeath)
	if err != nil {
		return err
	}
	if err = pause(ctx, beforeDeath); err != nil {
		return err
	}
	primary.kill()
	took, err := mediaAt(ctx, second, failoverRooms, time.Now())
	if err != nil {
		return err
	}
	<-over
	if err = errors.Join(pause(ctx, lastWords), v.leave(ctx), finished(ctx, all, failoverRooms), finished(ctx, directories[1], failoverRooms), second.Close(ctx)); err != nil {
		return err
	}
	return b.reportMerged(ctx, v, all, took, fmt.Sprintf("recorder killed in the middle of %d recordings, %s", failoverRooms, what), directories...)
}

// spooled kills the only recorder, which comes back later.
func (b *bench) spooled(ctx context.Context) error {
	all, stopAll, err := b.witness(ctx, "spool")
	if err != nil {
		return err
	}
	defer stopAll()
	directory := filepath.Join(b.work, "spooled")
	primary, err := b.recorderAt(ctx, recorderPort, directory)
	if err != nil {
		return err
	}
	defer func() { primary.stop() }()
	_, stop, err := b.serve(ctx, fmt.Sprintf(spooledPolicy, filepath.Join(b.work, "spool")))
	if err != nil {
		return err
	}
	defer stop()
	v, over, err := talk(ctx, failoverRooms, beforeDeath+deadFor+afterDeath)
	if err != nil {
		return err
	}
	if err = pause(ctx, beforeDeath); err != nil {
		return err
	}
	primary.kill()
	if err = pause(ctx, deadFor); err != nil {
		return err
	}
	if primary, err = b.recorderAt(ctx, recorderPort, directory); err != nil {
		return err
	}
	<-over
	if err = errors.Join(pause(ctx, lastWords), v.leave(ctx), finished(ctx, all, failoverRooms), delivered(ctx), finished(ctx, directory, 1)); err != nil {
		return err
	}
	return b.reportMerged(ctx, v, all, 0, fmt.Sprintf("the only recorder killed in the middle of %d recordings, back after %v, the spool fills the gap", failoverRooms, deadFor), directory)
}

// witness starts the recorder that stays.
func (b *bench) witness(ctx context.Context, name string) (directory string, stop func(), err error) {
	directory = filepath.Join(b.work, "all "+name)
	recorder, err := b.recorderAt(ctx, thirdPort, directory)
	if err != nil {
		return "", nil, err
	}
	return directory, recorder.stop, nil
}

// reportMerged counts what the other recorders have together of what the one that stays has, and what that one has not of what was said: packets
// that came too late for the conference on a busy machine.
func (b *bench) reportMerged(ctx context.Context, v *voices, all string, took time.Duration, what string, directories ...string) error {
	captured, err := v.count(all)
	if err != nil {
		return err
	}
	merged, err := v.count(directories...)
	if err != nil {
		return err
	}
	unheard, _ := captured.missing(nil)
	if unheard > 0 {
		values, err := metrics(ctx)
		if err != nil {
			return err
		}
		fmt.Printf("what the conference has not of what was said, with %.0f packets too late, %.0f discarded, %.0f frames concealed, %.0f ticks missed:\n%s",
			values["parley_rtp_late_packets_total"], values["parley_rtp_discarded_packets_total"], values["parley_rtp_concealed_frames_total"],
			values["parley_mixer_ticks_missed_total"], captured.holes(nil))
	}
	missing, in := merged.missing(captured)
	if missing > 0 {
		fmt.Print(merged.holes(captured))
	}
	crossed, apart := merged.crossed+captured.crossed, merged.apart(captured)
	b.broken = b.broken || crossed > 0
	media, limit := "", "0 samples missing in all files together, none crossed, 5 ms"
	if took > 0 {
		media, limit = fmt.Sprintf("media at the second one after %v at most; ", took.Round(time.Millisecond)), "2 s; "+limit
	}
	b.report(missing == 0 && crossed == 0 && took <= maxTakeover && apart <= maxApart, what, limit,
		"%s%d samples missing of what was captured (in %d of %d streams; %d of %d that were said were not captured), %d crossed; %d files, which place what they have %.1f ms off at most",
		media, missing, in, len(v.phones), unheard, len(v.phones)*v.said*conftest.MarkSamples, crossed, len(merged.pieces), float64(apart)/float64(time.Millisecond))
	return nil
}

// mediaAt waits until a recorder has packets of so many recordings made after a time, and tells how long after it the last one came.
func mediaAt(ctx context.Context, server *srs.Server, recordings int, since time.Time) (time.Duration, error) {
	before := packetsOf(server)
	for time.Since(since) < startTime {
		n := 0
		for id, packets := range packetsOf(server) {
			if packets > before[id] {
				n++
			}
		}
		if n >= recordings {
			return time.Since(since), nil
		}
		if err := pause(ctx, pollTime); err != nil {
			return 0, err
		}
	}
	return time.Since(since), nil // too late: the table says so
}

func packetsOf(server *srs.Server) map[string]uint64 {
	packets := map[string]uint64{}
	for _, r := range server.Recordings() {
		for _, s := range r.Streams {
			packets[r.ID] += s.Packets
		}
	}
	return packets
}

// finished waits until no recording in a directory goes on any more, and at least so many are there.
func finished(ctx context.Context, directory string, least int) error {
	for from := time.Now(); time.Since(from) < finishTime; {
		list, err := srs.Library{Directory: directory}.List(srs.Query{})
		if err != nil {
			return err
		}
		going := 0
		for i := range list {
			if !list[i].Over() {
				going++
			}
		}
		if going == 0 && len(list) >= least {
			return nil
		}
		if err := pause(ctx, 10*pollTime); err != nil { //nolint:mnd // it reads files
			return err
		}
	}
	return errors.New("recordings go on in " + directory)
}

// delivered waits until nothing waits in the spool any more.
func delivered(ctx context.Context) error {
	for from := time.Now(); time.Since(from) < deliveryTime; {
		values, err := metrics(ctx)
		if err != nil {
			return err
		}
		if values["parley_recording_spool_bytes"] == 0 {
			return nil
		}
		if err := pause(ctx, time.Second); err != nil {
			return err
		}
	}
	return errors.New("the spool is not empty")
}

// recorderProcess is a reference recorder in a process of its own.
type recorderProcess struct {
	process *os.Process
	wait    func() error
	gone    bool
}

// kill ends it without a word.
func (r *recorderProcess) kill() { r.end(os.Kill) }

// stop has it complete its files.
func (r *recorderProcess) stop() { r.end(os.Interrupt) }

func (r *recorderProcess) end(how os.Signal) {
	if r.gone {
		return
	}
	r.gone = true
	_ = r.process.Signal(how)
	_ = r.wait()
}
