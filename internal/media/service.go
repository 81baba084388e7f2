package media

import (
	"container/heap"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// service is the one goroutine of a transport: it waits for RTCP packets, for the times of reports and for requests, all in
// one system call. What is not the media path is done here: reports, digits, farewells.
type service struct {
	transport *Transport
	poll      int // epoll
	wake      int // eventfd
	done      chan struct{}

	mu       sync.Mutex
	requests []func() // run by the goroutine, in order

	// The goroutine's own.
	sessions map[int32]*Session // by the descriptor of the RTCP socket
	timers   timerHeap
	stopping bool
	buffer   [scratchSize]byte
}

// newService starts the goroutine.
func newService(t *Transport) (*service, error) {
	poll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("create epoll: %w", err)
	}
	wake, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	if err != nil {
		_ = unix.Close(poll)
		return nil, fmt.Errorf("create eventfd: %w", err)
	}
	v := &service{transport: t, poll: poll, wake: wake, done: make(chan struct{}), sessions: map[int32]*Session{}}
	if err := unix.EpollCtl(poll, unix.EPOLL_CTL_ADD, wake, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(wake)}); err != nil {
		_ = unix.Close(poll)
		_ = unix.Close(wake)
		return nil, fmt.Errorf("watch eventfd: %w", err)
	}
	go v.run()
	return v, nil
}

// knock wakes the goroutine. The tick may call it: it is one system call that does not wait.
func (v *service) knock() {
	one := [8]byte{1}
	writeNow(v.wake, one[:]) // full means that it is awake anyway
}

// request lets the goroutine do something.
func (v *service) request(do func()) {
	v.mu.Lock()
	v.requests = append(v.requests, do)
	v.mu.Unlock()
	v.knock()
}

// join begins to serve a session.
func (v *service) join(s *Session) {
	v.request(func() {
		v.sessions[int32(s.rtcp.fd)] = s
		event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(s.rtcp.fd)}
		if err := unix.EpollCtl(v.poll, unix.EPOLL_CTL_ADD, s.rtcp.fd, &event); err != nil {
			v.transport.cfg.Logger.Warn("cannot watch an RTCP socket", errorAttr(err))
		}
	})
}

// configured lets the first report of a session go out soon, once there is somebody to report to.
func (v *service) configured(s *Session) {
	v.request(func() {
		if s.report.scheduled || v.sessions[int32(s.rtcp.fd)] != s {
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
		delete(v.sessions, int32(s.rtcp.fd))
		if s.report.scheduled {
			heap.Remove(&v.timers, s.report.index)
		}
		s.release()
		v.deliver(s)
		close(s.keys)
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
	events := make([]unix.EpollEvent, 64)
	for !v.stopping {
		n, err := unix.EpollWait(v.poll, events, v.patience())
		if err != nil && err != unix.EINTR {
			v.transport.cfg.Logger.Error("waiting for RTCP failed", errorAttr(err))
			break
		}
		for i := range max(n, 0) {
			if fd := events[i].Fd; fd == int32(v.wake) {
				v.awake()
			} else if s := v.sessions[fd]; s != nil {
				v.readReports(s)
			}
		}
		v.fire()
	}
	_ = unix.Close(v.poll)
	_ = unix.Close(v.wake)
}

// patience returns how long to wait, in milliseconds: until the next timer, for ever without one.
func (v *service) patience() int {
	if len(v.timers) == 0 {
		return -1
	}
	wait := v.timers[0].report.next - v.now()
	return int(max((wait+time.Millisecond-1)/time.Millisecond, 0))
}

// awake does what was asked for.
func (v *service) awake() {
	var sink [8]byte
	_, _ = unix.Read(v.wake, sink[:]) // only the event counts
	v.mu.Lock()
	requests := v.requests
	v.requests = nil
	v.mu.Unlock()
	for _, do := range requests {
		do()
	}
	for _, s := range v.sessions {
		v.deliver(s)
		v.readMuxed(s)
	}
}

// deliver passes the key presses of a session on; nobody taking them, the oldest are dropped.
func (v *service) deliver(s *Session) {
	for {
		d, ok := s.digits.take()
		if !ok {
			return
		}
		for sent := false; !sent; {
			select {
			case s.keys <- d:
				sent = true
			default:
				select {
				case <-s.keys:
				default:
				}
			}
		}
	}
}

// fire sends the reports whose time has come.
func (v *service) fire() {
	now := v.now()
	for len(v.timers) > 0 && v.timers[0].report.next <= now {
		s := v.timers[0]
		v.reportOn(s, now)
		s.report.next = now + reportInterval(v.transport.cfg.RTCPInterval)
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
