package rtt

import "time"

// Output is the text that one participant gets from a mixer: of each source by itself if it knows several (RFC 9071, section 3), else in one
// stream with labels (section 4.2). It begins with a byte order mark from the mixer.
type Output struct {
	sender *sender
	screen screen
	now    time.Duration
	names  map[uint32]string // of sources, for when there are labels again
}

// NewOutput makes the output for a far end that can receive from now on.
func NewOutput(now time.Duration, cfg SenderConfig, f Format) *Output {
	o := &Output{sender: newSender(cfg, f), now: now, names: map[uint32]string{}}
	o.sender.queue(0, string(bom))
	return o
}

// Configure changes the format. Text that waits goes in the new one (RFC 9071, section 2.3.4).
func (o *Output) Configure(now time.Duration, f Format) {
	o.advance(now)
	before := o.sender.format.Aware
	o.sender.configure(f)
	if before == f.Aware {
		return
	}
	if !f.Aware { // nothing with a contributor goes any more
		for _, from := range append([]*origin(nil), o.sender.sources...) {
			if from.id == 0 {
				continue
			}
			for _, w := range from.waiting {
				o.screen.write(now, Source{ID: from.id, Name: o.names[from.id]}, w.text)
			}
			o.sender.drop(from.id)
		}
		return
	}
	for _, w := range o.screen.writers {
		for _, p := range w.waiting {
			o.sender.queue(w.ID, p.text)
		}
	}
	o.screen = screen{}
}

// Text takes in what a source has written. Text of a source with ID 0 is of the mixer. It returns how many characters are lost, as too many wait.
func (o *Output) Text(now time.Duration, from Source, text string) (lost int) {
	o.advance(now)
	if text = clean(text); text == "" {
		return 0
	}
	if from.ID == 0 || o.sender.format.Aware {
		o.names[from.ID] = from.Name
		return o.sender.queue(from.ID, text)
	}
	o.screen.write(now, from, text)
	return 0
}

// Drop forgets what was not sent of a source, and what would be repeated of it: nobody may read it any more.
func (o *Output) Drop(id uint32) {
	o.sender.drop(id)
	o.screen.drop(id)
	if !o.sender.format.Aware { // whose text it repeats is not known
		o.sender.drop(0)
	}
	delete(o.names, id)
}

// Waiting is how many characters were not sent yet.
func (o *Output) Waiting() int {
	count := o.screen.unsent()
	for _, from := range o.sender.sources {
		count += from.count
	}
	return count
}

// Clear forgets all that was not sent, and what would be repeated.
func (o *Output) Clear() {
	o.sender.clear()
	o.screen.clear()
}

// Congestion tells the part of our packets, of 1, that the far end has lost: with much of it packets become fewer, not their redundancy.
func (o *Output) Congestion(lost float64) { o.sender.congestion(lost) }

// Poll gives a packet that is due; false: none is. It is to be called until there is none.
func (o *Output) Poll(now time.Duration) (Packet, bool) {
	o.advance(now)
	if at := o.sender.free(now); !o.sender.format.Aware && at <= now { // no sooner: what was not sent can still be dropped
		if text := o.screen.read(now, o.sender.pace.room(now, o.sender.format.CPS), o.sender.blockSize()/2); text != "" {
			o.sender.queue(0, text)
		}
	}
	return o.sender.poll(now)
}

// Next is when Poll has something if nothing comes before; false: never.
func (o *Output) Next() (time.Duration, bool) {
	at, ok := o.sender.next(o.now)
	if !o.sender.format.Aware {
		t, due := o.screen.next()
		if o.screen.readable(o.now) {
			t, due = o.now, true
		}
		if t = max(t, o.sender.free(o.now)); due && t != never && (!ok || t < at) {
			at, ok = t, true
		}
	}
	return at, ok
}

// Idle is since when nothing was sent; false before the first packet. A keep-alive may be due (RFC 6263).
func (o *Output) Idle() (time.Duration, bool) { return o.sender.sentAt, o.sender.sent }

// Sent returns how many packets and octets of payload were sent, and the timestamp of now, for reports (RFC 3550, section 6.4.1).
func (o *Output) Sent(now time.Duration) (packets, octets, timestamp uint32) {
	return o.sender.packets, o.sender.octets, o.sender.cfg.Timestamp + uint32(now.Milliseconds())
}

func (o *Output) advance(now time.Duration) { o.now = max(o.now, now) }
