package export

import (
	"context"
	"errors"
	"io"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/siprec/srs"
)

const (
	// audible is the level in -dBov from which a frame is speech, and pause how many quieter frames end it: as in a conference (package mixer).
	audible = 50
	pause   = 15
	// framesPerSecond of 20 ms.
	framesPerSecond = 50
)

// A Span is a time in which somebody speaks, in seconds of the time line of the recording: sample 0 of every file is at 0.
type Span struct {
	From float64 `json:"from" doc:"The beginning, in seconds from sample 0 of the files."`
	To   float64 `json:"to" doc:"The end."`
}

// An Activity is when there is speech in a stream.
type Activity struct {
	Label        string   `json:"label" doc:"Of the stream."`
	File         string   `json:"file" doc:"Of the stream."`
	Participants []string `json:"participants" doc:"Identifiers of those whose voice it holds or held."`
	Spans        []Span   `json:"spans" doc:"When there is speech, in order."`
}

// Activities finds speech in the audio of a recording, by level, stream by stream. It reads all of it, and decodes what is encoded. The errors
// are those of the files and of ctx.
func Activities(ctx context.Context, r srs.Recording) ([]Activity, error) {
	list := []Activity{}
	for _, s := range r.Streams {
		if s.Medium != "" || s.Samples == 0 {
			continue
		}
		spans, err := speech(ctx, r, s)
		if err != nil {
			return nil, err
		}
		a := Activity{Label: s.Label, File: s.File, Participants: s.Participants, Spans: spans}
		if a.Participants == nil {
			a.Participants = []string{}
		}
		list = append(list, a)
	}

	return list, nil
}

// speech finds it in one file.
func speech(ctx context.Context, r srs.Recording, s srs.Stream) ([]Span, error) {
	audio, err := r.Open(s)
	if err != nil {
		return nil, err
	}
	defer func() { _ = audio.Close() }() // was only read
	channels := max(1, s.Channels)
	frame := make([]int16, audio.Rate/framesPerSecond*channels)
	spans := []Span{}
	quiet := pause // frames without speech, up to pause
	for at := 0; ; at++ {
		if at%framesPerSecond == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		n, err := audio.Read(frame)
		if n > 0 && codecs.Level(frame[:n]) <= audible {
			from, to := float64(at)/framesPerSecond, (float64(at)+float64(n)/float64(len(frame)))/framesPerSecond
			if quiet < pause {
				spans[len(spans)-1].To = to
			} else {
				spans = append(spans, Span{From: from, To: to})
			}
			quiet = 0
		} else if quiet < pause {
			quiet++
		}
		if errors.Is(err, io.EOF) {
			return spans, nil
		}
		if err != nil {
			return nil, err
		}
	}
}
