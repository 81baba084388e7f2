package focus

import (
	"cmp"
	"slices"
	"time"
)

// unwritten are the streams of text that the last wish has nobody for, in the order of their labels.
func (r *recorder) unwritten() []*recordedText {
	if len(r.texts) == r.written {
		return nil
	}
	return r.textsThat(func(t *recordedText) bool { return t.round != r.round })
}

// textsThat are streams of text in the order of their labels.
func (r *recorder) textsThat(are func(*recordedText) bool) (list []*recordedText) {
	for _, t := range r.texts {
		if are(t) {
			list = append(list, t)
		}
	}
	slices.SortFunc(list, func(a, b *recordedText) int {
		return cmp.Or(cmp.Compare(len(a.label), len(b.label)), cmp.Compare(a.label, b.label), cmp.Compare(a.key, b.key))
	})
	return list
}

// letTextLinger begins the end of a stream of text. Nothing comes into it any more, as its writer is not there, or is not recorded.
func (c *controller) letTextLinger(t *recordedText) {
	if t.linger == nil {
		t.linger = &linger{since: time.Now()}
		c.drainLater()
	}
}

// owes tells whether something is still to be sent that no recorder has taken. What one has taken goes out as its stream ends.
func (c *textCapture) owes() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.holding && len(c.waiting) > 0
}
