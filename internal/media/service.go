package media

import (
	"container/heap"
	"crypto/rand"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// lookPeriod is how often the service looks for RTCP packets, key presses and reports that are due. It is a fraction of what a person
// notices of a key press, and RTCP is not in a hurry: packets have the system's time stamps. To wait for each of them would cost more
// than all of them are worth, since Go's monitor thread stays awake for a while after each system call that has blocked.
const lookPeriod = 20 * time.Millisecond

// service is the one goroutine of a transport. What is not the media path is done here: reports, digits, farewells. Without
// sessions it sleeps.
type service struct {
	transport *Transport
	poll      int           // epoll
	called    chan struct{} // there are requests
	rung      atomic.Bool   // a tick has left something
	done      chan struct{}

	mu       sync.Mutex
	requests []func() // run by the goroutine, in order

	// The goroutine's own.
	sessions map[int32]*Session    // by the descriptor of the RTCP socket
	shaking  map[int32]*Session    // by that of the RTP socket: those that only send, under keys of a handshake
	reducers map[*Session]struct{} // those whose far ends take RTCP packets of reduced size
	timers   timerHeap
	stopping bool
	gone     departures
	secret   [16]byte // of pseudonyms
	buffer   [scratchSize]byte
	writer   reportWriter // of the report being sent
}

// newService starts the goroutine.
func newService(t *Transport) (*service, error) {
	poll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("create epoll: %w", err)
	}
	v := &service{transport: t, poll: poll, called: make(chan struct{}, 1), done: make(chan struct{}), sessions: map[int32]*Session{}, shaking: map[int32]*Session{}, reducers: map[*Session]struct{}{}}
	_, _ = rand.Read(v.secret[:]) // never fails
	go v.run()
	return v, nil
}

// knock tells that a tick has left something. The service finds it within lookPeriod.
func (v *service) knock() { v.rung.Store(true) }

// request lets the goroutine do something.
func (v *service) request(do func()) {
	v.mu.Lock()
	v.requests = append(v.requests, do)
	v.mu.Unlock()
	select {
	case v.called <- struct{}{}:
	default: // it has been called already
	}
}

// join begins to serve a session.
func (v *service) join(s *Session) {
	v.request(func() {
		v.sessions[int32(s.rtcp.fd)] = s
		s.report.goneSeen = v.gone.count
		event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(s.rtcp.fd)}
		if err := unix.EpollCtl(v.poll, unix.EPOLL_CTL_ADD, s.rtcp.fd, &event); err != nil {
			v.transport.cfg.Logger.Warn("cannot watch an RTCP socket", errorAttr(err))
		}
	})
}

// configured lets the first report of a session go out soon, once there is somebody to report to.
func (v *service) configured(s *Session) {
	v.request(func() {
		if v.sessions[int32(s.rtcp.fd)] != s {
			return
		}
		a := s.offered.Load()
		if a != nil {
			s.expect(a.params.Remote, v.now())
		}
		if a != nil && a.params.ReducedSize {
			v.reducers[s] = struct{}{}
		} else {
			delete(v.reducers, s)
		}
		v.watchShaking(s)
		if s.report.scheduled {
			return
		}
		s.report.scheduled = true
		s.report.next = v.now() + firstReport(v.transport.cfg.RTCPInterval)
		heap.Push(&v.timers, s)
	})
}

// leave says goodbye for a session, stops serving it and gives its sockets back. It returns when that is done.
func (v *service) leave(s *Session) {
	gone := make(chan struct{})
	v.request(func() {
		defer close(gone)
		v.farewell(s)
		v.gone.add(uint32(s.shared.remoteSSRC.get()))
		delete(v.sessions, int32(s.rtcp.fd))
		delete(v.reducers, s)
		delete(v.shaking, int32(s.rtp.fd))
		for other := range v.reducers {
			v.hasten(other)
		}
		if s.report.scheduled {
			heap.Remove(&v.timers, s.report.index)
		}
		s.release()
		if a := s.offered.Load(); a != nil {
			a.guard.wipe()
		}
		v.deliver(s)
	})
	select {
	case <-gone:
	case <-v.done:
	}
}

// stop ends the goroutine when all sessions have left, and waits for it.
func (v *service) stop() {
	select {
	case <-v.done:
		return
	default:
	}
	v.request(func() { v.stopping = true })
	<-v.done
}

// now is the time in the scale of the transport.
func (v *service) now() time.Duration { return time.Since(v.transport.epoch) }

// run is the goroutine.
func (v *service) run() {
	defer close(v.done)
	defer unix.Close(v.poll) //nolint:errcheck // nothing can be done about it
	timer := time.NewTimer(lookPeriod)
	defer timer.Stop()
	for !v.stopping {
		if len(v.sessions) == 0 {
			<-v.called
		} else {
			select {
			case <-v.called:
			case <-timer.C:
				timer.Reset(lookPeriod)
			}
		}
		v.transport.wall.set(v.transport.epoch)
		v.serveRequests()
		v.look()
		v.fire()
	}
}

// serveRequests does what was asked for.
func (v *service) serveRequests() {
	v.mu.Lock()
	requests := v.requests
	v.requests = nil
	v.mu.Unlock()
	for _, do := range requests {
		do()
	}
}

// look finds what has come since the last time, without waiting.
func (v *service) look() {
	var events [64]unix.EpollEvent
	for more := true; more; {
		n, err := unix.EpollWait(v.poll, events[:], 0)
		for _, event := range events[:max(n, 0)] {
			if s := v.sessions[event.Fd]; s != nil {
				v.readReports(s)
			}
			if s := v.shaking[event.Fd]; s != nil && event.Events&unix.EPOLLERR == 0 { // that somebody is refused the tick must see
				v.readShaking(s)
			}
		}
		more = err == nil && n == len(events)
	}
	if v.rung.Swap(false) {
		for _, s := range v.sessions {
			v.deliver(s)
			v.readMuxed(s)
			v.readAside(s)
			v.tellAge(s)
		}
	}
}

// deliver passes the key presses of a session on. Until there is somebody who wants them, they wait.
func (v *service) deliver(s *Session) {
	pressed := s.pressed.Load()
	if pressed == nil {
		return
	}
	for {
		d, ok := s.digits.take()
		if !ok {
			return
		}
		(*pressed)(d)
	}
}

// fire sends the reports whose time has come.
func (v *service) fire() {
	now := v.now()
	for len(v.timers) > 0 && v.timers[0].report.next <= now {
		s := v.timers[0]
		if s.waitsForAge(now) {
			s.report.next = now + ageLook
			heap.Fix(&v.timers, 0)
			continue
		}
		mean, may := s.reportMean(v.transport.cfg.RTCPInterval)
		if may {
			v.reportOn(s, now)
		} else {
			v.lookAfter(s, now)
		}
		s.report.next = now + reportInterval(mean)
		heap.Fix(&v.timers, 0)
	}
}

// timerHeap orders sessions by the time of their next report.
type timerHeap []*Session

func (h timerHeap) Len() int           { return len(h) }
func (h timerHeap) Less(i, j int) bool { return h[i].report.next < h[j].report.next }
func (h timerHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].report.index, h[j].report.index = i, j
}

// Push implements [heap.Interface].
func (h *timerHeap) Push(x any) {
	s, ok := x.(*Session)
	if !ok {
		return
	}
	s.report.index = len(*h)
	*h = append(*h, s)
}

// Pop implements [heap.Interface].
func (h *timerHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	*h = old[:len(old)-1]
	return last
}
