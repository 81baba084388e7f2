package focus

import (
	"cmp"
	"slices"

	"github.com/parley-sip/parley/internal/media"
	"github.com/parley-sip/parley/siprec"
)

// Lines of real-time text are there while a recording has them: a persistent session begins with those of audio, as nobody may ever write, and a line
// of text is offered when somebody may. What repeats text (RFC 4103, section 4) must not be in the recording of another conference, and a gap at the end of one not be
// taken for a loss in the next. So each loan has an RTP session of its own, with ports, source, numbers and timestamps of its own, behind an m-line that was
// off in between; what comes again is the label with its identifier, so that a session that goes on for months has no more of them than it had at a time.

// lineOfText gives a recorded stream of text a line: one that rests, if the server knows that it does, or a new one.
func (l *lease) lineOfText(t *recordedText) *line {
	h := l.session
	h.mu.Lock()
	defer h.mu.Unlock()
	var one *line
	if i := slices.IndexFunc(h.resting, func(o *line) bool { return h.client.Off(o.key) && !h.tellsOf(o) }); i >= 0 {
		one = h.resting[i]
		h.resting = slices.Delete(h.resting, i, i+1)
	} else {
		one = h.nameLine(newIdentity())
	}
	l.lendText(one, t.key, t.session)
	return one
}

// adoptText makes a stream of text that another server had a line of the session.
func (l *lease) adoptText(t *recordedText) *line {
	l.session.mu.Lock()
	defer l.session.mu.Unlock()
	one := l.session.nameLine(t.id)
	l.lendText(one, t.key, t.session)
	return one
}

// lendText has a line of text offered from the next wish on. mu is held.
func (l *lease) lendText(one *line, key string, session *media.TextSession) {
	one.text, one.lease, one.wish = session, l, nil
	l.session.texts = append(l.session.texts, one)
	l.lines[key] = one
}

// restText takes a line of text back that nothing is sent in any more. It is nobody's before it goes, so that no document says otherwise for ever.
func (h *persistent) restText(l *line) {
	h.mu.Lock()
	defer h.mu.Unlock()
	l.wish = nil
	h.desire()
	h.texts = slices.DeleteFunc(h.texts, func(other *line) bool { return other == l })
	i, _ := slices.BinarySearchFunc(h.resting, l, func(a, b *line) int { return cmp.Or(cmp.Compare(len(a.key), len(b.key)), cmp.Compare(a.key, b.key)) })
	h.resting = slices.Insert(h.resting, i, l)
	l.lease, l.text = nil, nil
	h.desire()
}

// person is a participant as the server of a stream of text knows him.
func (t *recordedText) person(id siprec.ID) siprec.ID {
	if t.line == nil {
		return id
	}
	return t.line.known(id)
}
