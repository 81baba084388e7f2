package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/siprec/srs"
)

const (
	clapRooms   = 4
	clapLegs    = 8
	claps       = 5
	clapPause   = time.Second
	clapLoud    = 16000 // of 32768
	clapFound   = 0.2   // of full scale
	clapLength  = 20 * time.Millisecond
	clapSettles = 2 * time.Second // everybody has come, and jitter buffers know their networks
)

// clap: what several callers hear at the same moment is at the same place of their streams in a recording.
func (b *bench) clap(ctx context.Context) error {
	together, n, err := b.claps(ctx, true)
	if err != nil {
		return err
	}
	byThemselves, m, err := b.claps(ctx, false)
	if err != nil {
		return err
	}
	const all = clapRooms * claps
	b.report(n == all && m == all && inLine(together) == all && inLine(byThemselves) >= 9*all/10, //nolint:mnd // a machine that is busy has buffers change
		fmt.Sprintf("a clap heard by %d callers at once, in their %d streams of the recording, %d claps in each of %d rooms", clapLegs, clapLegs, claps, clapRooms),
		"at most 5 ms apart, when their packets leave together; nine of ten, when at times of their own",
		"p50 %.1f, at most %.1f ms apart (%d of %d claps within 5 ms); with packets that leave at times of their own p50 %.1f, at most %.1f ms (%d of %d within 5 ms)",
		median(together), together[len(together)-1], inLine(together), all, median(byThemselves), byThemselves[len(byThemselves)-1], inLine(byThemselves), all)
	return nil
}

// inLine is how many claps are no more apart than they may be.
func inLine(apart []float64) (n int) {
	for _, ms := range apart {
		if ms <= maxApart.Seconds()*1000 { //nolint:mnd // ms
			n++
		}
	}
	return n
}

// claps gives by how many ms each clap is apart in the streams of its room, ascending, and how many were found in all of them. What counts is by how much the
// place in the file differs from the place in what the caller has said.
func (b *bench) claps(ctx context.Context, together bool) (apart []float64, found int, err error) {
	directory := filepath.Join(b.work, fmt.Sprintf("clap %t", together))
	recorder, err := b.recorderAt(ctx, recorderPort, directory)
	if err != nil {
		return nil, 0, err
	}
	defer recorder.stop()
	_, stop, err := b.serve(ctx, fmt.Sprintf(recordingSettings, "separate"))
	if err != nil {
		return nil, 0, err
	}
	defer stop()
	v := voices{}
	if err = v.gather(ctx, together); err != nil {
		return nil, 0, err
	}
	if err = pause(ctx, clapSettles); err != nil {
		return nil, 0, err
	}
	for range claps {
		for _, phone := range v.phones {
			phone.Say(clapSound())
		}
		if err = pause(ctx, clapPause); err != nil {
			return nil, 0, err
		}
	}
	said := make([][]float64, len(v.phones))
	for i, phone := range v.phones {
		pcm, failed := phone.Said()
		if failed != nil {
			return nil, 0, failed
		}
		said[i] = onsets(pcm, conftest.AnalysisRate)
	}
	if err = errors.Join(v.leave(ctx), finished(ctx, directory, clapRooms)); err != nil {
		return nil, 0, err
	}
	return compareClaps(directory, said)
}

// gather brings callers into rooms, whose time lines begin together.
func (v *voices) gather(ctx context.Context, together bool) error {
	origin := time.Now()
	for i := range clapRooms * clapLegs {
		phone, err := conftest.NewPhone(ctx, conftest.PhoneConfig{Name: "voice" + strconv.Itoa(i), Codec: codecs.PCMU, Origin: origin, InStep: together, RecordAware: true})
		if err != nil {
			return err
		}
		v.phones = append(v.phones, phone)
		if err = phone.Call(ctx, fmt.Sprintf("sip:room%d@%s", i/clapLegs, target)); err != nil {
			return err
		}
	}
	return nil
}

// compareClaps looks for claps in the files of recordings.
func compareClaps(directory string, said [][]float64) (apart []float64, found int, err error) {
	list, err := srs.Library{Directory: directory}.List(srs.Query{})
	if err != nil {
		return nil, 0, err
	}
	for i := range list {
		later, err := delays(&list[i], said)
		if err != nil {
			return nil, 0, err
		}
		for _, of := range later {
			if len(of) == clapLegs {
				apart = append(apart, (slices.Max(of)-slices.Min(of))*1000) //nolint:mnd // ms
			}
		}
	}
	if len(apart) == 0 {
		return nil, 0, errors.New("no clap is in all streams of its room")
	}
	slices.Sort(apart)
	return apart, len(apart), nil
}

// delays gives by how many seconds each clap is later in each file than in what was said. Of a file in which not all were found there are none.
func delays(r *srs.Recording, said [][]float64) (later [claps][]float64, err error) {
	for i := range r.Streams {
		s := &r.Streams[i]
		wav, err := conftest.ReadWAV(filepath.Join(r.Directory, s.File))
		if err != nil {
			return later, err
		}
		pcm := make([]float64, len(wav.Samples))
		for i, v := range wav.Samples {
			pcm[i] = float64(v) / -math.MinInt16
		}
		there, owners := onsets(pcm, wav.Rate), ownersOf(r, s)
		if len(owners) != 1 || len(there) != claps || len(said[owners[0]]) != claps {
			continue
		}
		for i, at := range there {
			later[i] = append(later[i], at-said[owners[0]][i])
		}
	}
	return later, nil
}

// clapSound is loud from its first sample on.
func clapSound() []int16 {
	pcm := make([]int16, clapLength*8000/time.Second)
	for i := range pcm {
		pcm[i] = clapLoud
		if i/4%2 == 1 { // 1 kHz
			pcm[i] = -clapLoud
		}
	}
	return pcm
}

// onsets gives when something loud begins after silence, in seconds.
func onsets(pcm []float64, rate int) (at []float64) {
	quiet := rate
	for i, v := range pcm {
		if math.Abs(v) < clapFound {
			quiet++
			continue
		}
		if quiet > rate/4 { //nolint:mnd // a quarter of a second
			at = append(at, float64(i)/float64(rate))
		}
		quiet = 0
	}
	return at
}
