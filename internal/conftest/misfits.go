package conftest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Misfit is how subscribers behave whom a notifier should not have to suffer from.
type Misfit string

// The kinds of misfits. Those that answer do so with 200 unless it says otherwise.
const (
	MisfitStalls   Misfit = "stalls"   // subscribes by TCP, and reads nothing from then on
	MisfitCloses   Misfit = "closes"   // subscribes by TCP, and closes the connection
	MisfitVanishes Misfit = "vanishes" // answers nothing
	MisfitLate     Misfit = "late"     // answers after some seconds
	MisfitFetches  Misfit = "fetches"  // subscribes again and again, for a moment each time
	Misfit481      Misfit = "481"
	Misfit489      Misfit = "489"
	Misfit500      Misfit = "500"
)

// misfitDelay is how late those are who are late.
const misfitDelay = 3 * time.Second

// Misfits are subscribers that misbehave, each kind of them over the transport "udp" or "tcp", all of a kind by one socket.
type Misfits struct {
	Address   string // host:port of the focus
	URI       string // of the conference
	Transport string
	Kind      Misfit
	Count     int
}

// misfits are some that have a socket.
type misfits struct {
	Misfits

	conn   net.Conn
	mu     sync.Mutex // of writing
	number atomic.Int64
	taken  atomic.Int64 // 200 to SUBSCRIBE
	told   atomic.Int64 // NOTIFYs that came
}

// Run lets them subscribe, and behaves as they do until ctx ends. It gives how many subscriptions were taken, and how many NOTIFYs came.
func (m Misfits) Run(ctx context.Context) (taken, told int, err error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, m.Transport, m.Address)
	if err != nil {
		return 0, 0, err
	}
	s := &misfits{Misfits: m, conn: conn}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	if m.Kind == MisfitStalls {
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetReadBuffer(4 << 10) //nolint:mnd // its window is closed soon
		}
	}
	var wait sync.WaitGroup
	defer wait.Wait()
	defer cancel()
	if m.Kind != MisfitStalls {
		wait.Go(func() { s.read(ctx) })
	}
	for range m.Count {
		if err = s.subscribe(); err != nil {
			return s.counts(err)
		}
		select { // as a crowd does, not as a flood
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
			return s.counts(nil)
		}
	}
	for m.Kind == MisfitFetches {
		select {
		case <-time.After(10 * time.Millisecond): //nolint:mnd // a hundred in a second
			err = s.subscribe()
		case <-ctx.Done():
			return s.counts(nil)
		}
		if err != nil {
			return s.counts(err)
		}
	}
	if m.Kind == MisfitCloses {
		return s.counts(conn.Close())
	}
	<-ctx.Done()
	return s.counts(nil)
}

// counts gives what there was until now; that the time is over is no error.
func (m *misfits) counts(err error) (taken, told int, _ error) {
	if errors.Is(err, net.ErrClosed) {
		err = nil
	}
	return int(m.taken.Load()), int(m.told.Load()), err
}

func (m *misfits) write(text string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, err := io.WriteString(m.conn, text)
	return err
}

// subscribe sends one SUBSCRIBE.
func (m *misfits) subscribe() error {
	n, local := m.number.Add(1), m.conn.LocalAddr().String()
	who := fmt.Sprintf("%s%d", m.Kind, n)
	expires := 600
	if m.Kind == MisfitFetches {
		expires = 0
	}
	return m.write(strings.Join([]string{
		"SUBSCRIBE " + m.URI + " SIP/2.0", fmt.Sprintf("Via: SIP/2.0/%s %s;branch=z9hG4bK%s%s;rport", strings.ToUpper(m.Transport), local, who, local[strings.LastIndex(local, ":")+1:]),
		fmt.Sprintf("From: <sip:%s@%s>;tag=%s", who, local, who), "To: <" + m.URI + ">", fmt.Sprintf("Call-ID: %s@%s/%s", who, local, m.Transport), "CSeq: 1 SUBSCRIBE",
		"Max-Forwards: 70", fmt.Sprintf("Contact: <sip:%s@%s;transport=%s>", who, local, m.Transport), "Event: conference", "Accept: application/conference-info+xml",
		fmt.Sprintf("Expires: %d", expires), "Content-Length: 0", "", "",
	}, "\r\n"))
}

// read takes what comes, one message after the other, and answers as its kind does.
func (m *misfits) read(ctx context.Context) {
	from := io.Reader(m.conn)
	if m.Transport == overUDP {
		from = &datagrams{conn: m.conn}
	}
	lines := textproto.NewReader(bufio.NewReaderSize(from, largestDatagram))
	for {
		first, err := lines.ReadLine()
		if first == "" && err == nil {
			continue // between two messages
		}
		var fields textproto.MIMEHeader
		if err == nil {
			fields, err = lines.ReadMIMEHeader()
		}
		if err == nil {
			size, _ := strconv.ParseInt(fields.Get("Content-Length"), 10, 64) // 0 when there is none
			_, err = io.CopyN(io.Discard, lines.R, size)
		}
		if err != nil {
			return // the end of it, or of us
		}
		switch {
		case strings.HasPrefix(first, "SIP/2.0 200"):
			m.taken.Add(1)
		case strings.HasPrefix(first, "NOTIFY "):
			m.told.Add(1)
			m.answer(ctx, fields)
		}
	}
}

const (
	overUDP         = "udp"
	largestDatagram = 64 << 10
)

// datagrams is a socket of which each read takes a whole message.
type datagrams struct {
	conn net.Conn
	rest []byte
}

// Read implements io.Reader.
func (d *datagrams) Read(p []byte) (int, error) {
	if len(d.rest) == 0 {
		whole := make([]byte, largestDatagram)
		n, err := d.conn.Read(whole)
		if err != nil {
			return 0, err
		}
		d.rest = whole[:n]
	}
	n := copy(p, d.rest)
	d.rest = d.rest[n:]
	return n, nil
}

// answer answers a NOTIFY, if its kind does.
func (m *misfits) answer(ctx context.Context, of textproto.MIMEHeader) {
	status := map[Misfit]string{Misfit481: "481 Call/Transaction Does Not Exist", Misfit489: "489 Bad Event", Misfit500: "500 Server Internal Error"}[m.Kind]
	if status == "" {
		status = "200 OK"
	}
	lines := []string{"SIP/2.0 " + status}
	for _, name := range []string{"Via", "From", "To", "Call-Id", "Cseq"} {
		for _, value := range of[name] {
			lines = append(lines, name+": "+value)
		}
	}
	text := strings.Join(append(lines, "Content-Length: 0", "", ""), "\r\n")
	switch m.Kind {
	case MisfitVanishes:
	case MisfitLate:
		time.AfterFunc(misfitDelay, func() {
			if ctx.Err() == nil {
				_ = m.write(text) // the socket may be closed by then
			}
		})
	case MisfitStalls, MisfitCloses, MisfitFetches, Misfit481, Misfit489, Misfit500:
		_ = m.write(text) // as above
	default:
		_ = m.write(text)
	}
}
