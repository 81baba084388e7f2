package focus

import (
	"log/slog"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/siprec"
)

// portRetry is how soon a port is asked for again for a stream that got none.
const portRetry = time.Second

// portless are the streams of a recording session for which there was no port: nothing of them is captured, and what is missing is counted.
type portless struct {
	streams map[string]*missing // by key; nil: none so far
	asking  bool                // soon, for their ports
}

// missing is such a stream.
type missing struct {
	since time.Time // up to then it has been counted
	round int       // of the last wish for it
}

// lacksPort notes a stream that has got no port, and says so once.
func (c *controller) lacksPort(r *recorder, key string, err error) {
	if m := r.portless.streams[key]; m != nil {
		m.round = r.round
		return
	}
	if r.portless.streams == nil {
		r.portless.streams = map[string]*missing{}
	}
	r.portless.streams[key] = &missing{since: time.Now(), round: r.round}
	c.log.Error("no port for a recorded stream: media.ports are too few", slog.String("server", r.server.Name), slog.String("recording", string(r.recording)),
		slog.String("stream", key), slog.Any("error", err))
	if h := c.focus.hooks.RecordingFailure; h != nil {
		h(r.server.Name, "no-ports")
	}
}

// countPortless counts what streams without a port have missed since the last look, a pause excepted, and asks for their ports again. It is to be called
// with each new wish, before that is the one wanted.
func (c *controller) countPortless(r *recorder, d *siprec.Desire) {
	if len(r.portless.streams) == 0 {
		return
	}
	now := time.Now()
	for key, m := range r.portless.streams {
		lacked := now.Sub(m.since).Truncate(codecs.FrameDuration)
		m.since = m.since.Add(lacked)
		if n := uint64(max(0, lacked/codecs.FrameDuration)); n > 0 && !r.wanted.Paused {
			c.focus.assurance.add(r.account, r.server.Name, 0, 0, n)
			c.focus.unrecorded.Add(n)
		}
		if d.Stopped || m.round != r.round || r.streams[key] != nil {
			delete(r.portless.streams, key)
		}
	}
	if len(r.portless.streams) > 0 && !r.portless.asking {
		r.portless.asking = true
		c.later(portRetry, askPorts{r})
	}
}

// askPorts is the time to ask for ports again.
type askPorts struct{ r *recorder }

func (m askPorts) handle(c *controller) {
	m.r.portless.asking = false
	if !m.r.over {
		c.desire(m.r)
	}
}
