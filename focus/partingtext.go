package focus

import "time"

// partingText is a stream of real-time text that has been taken out of a session, as parting is one of audio.
type partingText struct {
	text *recordedText
	at   time.Time // since when nothing is sent of it
}

// partText closes a stream of text that has ended, one that the server may not have got all of not before it is known that it was there. A line of a
// persistent session goes back at once.
func (c *controller) partText(r *recorder, t *recordedText) {
	t.capture.pause()
	t.capture.prove(r.there())
	if t.line != nil || !t.capture.doubtful() {
		c.closeRecordedText(r, t)
		return
	}
	r.partingTexts = append(r.partingTexts, partingText{text: t, at: time.Now()})
}

// confirmTexts closes those that the server has got all of.
func (c *controller) confirmTexts(r *recorder) {
	there := r.there()
	left := r.partingTexts[:0]
	for _, p := range r.partingTexts {
		if p.at.After(there) {
			left = append(left, p)
			continue
		}
		c.closeRecordedText(r, p.text)
	}
	r.partingTexts = left
}

// reviveTexts has what was written since a time, in streams that have ended, sent again, when the server turns out to be gone.
func (c *controller) reviveTexts(r *recorder, since time.Time) {
	list := r.partingTexts
	r.partingTexts = nil
	for _, p := range list {
		t := p.text
		t.capture.doubt(since)
		if r.texts[t.key] != nil || !t.capture.owes() {
			c.closeRecordedText(r, t)
			continue
		}
		r.texts[t.key] = t
		c.letTextLinger(t)
	}
}

// unconfirmedTexts takes those out that have stopped, without the server having been heard of since then.
func (r *recorder) unconfirmedTexts() []partingText {
	list, now := r.partingTexts, time.Now()
	r.partingTexts = nil
	for key, t := range r.texts {
		if !t.started && t.line == nil && t.capture.doubtful() {
			delete(r.texts, key)
			list = append(list, partingText{text: t, at: now})
		}
	}
	return list
}

// doubtful tells whether something was sent of which it is not known that it has come.
func (c *textCapture) doubtful() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.recent) > 0 || c.gone > 0
}
