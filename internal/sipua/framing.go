package sipua

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"time"
)

// errFraming says that a stream has no message boundary to go on from.
var errFraming = errors.New("no message boundary")

// framingGrace is how long a connection stays open after an unreadable message.
const framingGrace = 100 * time.Millisecond

// lastWords is how long after its last message the end of a connection is kept from the stack, which takes up each message in a goroutine of its own and
// drops it when its connection is gone by then: who says BYE and closes has hung up.
const lastWords = 500 * time.Millisecond

const (
	// maxUnsent is how many answers may wait for the peer to take them before we
	// take no more from it.
	maxUnsent = 64
	// maxAsking is how many requests of ours may wait in the way of answers. Behind
	// a proxy there may be a thousand subscribers, each with a large
	// NOTIFY: who calls over the same connection is not to wait for them all.
	maxAsking = 4
	// maxLarge is how many requests with a large body are made into text at once for a connection, and largeBody what that is: what waits is short.
	maxLarge, largeBody = 2, 4 << 10
)

// messageTimeout is how long the rest of a message may keep us waiting.
const messageTimeout = 32 * time.Second

// framedConn is a connection of which each Read delivers one message that has
// passed precheck. It finds the boundaries itself (RFC 3261, section 18.3),
// so that limits hold for messages and not for what TCP happens to deliver, and
// so that a malformed message is answered instead of ending the connection.
type framedConn struct {
	net.Conn

	info    streamInfo
	limits  Limits
	refuse  func(status int, data []byte) []byte // renders an answer, or nil
	onClose func()
	// mute, if not nil, is told when the peer ends the connection, or what it says is no SIP, before it has said anything that is.
	mute   func()
	heard  time.Time     // when the last message came; zero: none has; the reader's
	gone   chan struct{} // closed with the connection
	closed sync.Once

	key     netip.AddrPort   // under which the stack has it; set by streamTable
	aliases []netip.AddrPort // belongs to streamTable

	giving sync.RWMutex // held for reading while the stack takes a request for it; guards over
	over   bool         // the stack is told of the end: it takes nothing more

	// unsent has a place taken for every answer that waits to be written, and
	// asking for every request.
	unsent, asking chan struct{}
	large          chan struct{} // has a place taken for every request with a large body that the stack is given

	buf   []byte // received and not yet delivered
	ready []byte // the rest of a message that is being delivered
}

// RemoteAddr is the key, since the stack finds connections by it.
func (c *framedConn) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(c.key) }

// await waits until the peer has sent its first message, so that who connects and
// says nothing costs no more than a goroutine.
func (c *framedConn) await(patience time.Duration) error {
	_ = c.SetReadDeadline(time.Now().Add(patience))
	return c.fill()
}

// Close closes the connection.
func (c *framedConn) Close() error {
	err := c.Conn.Close()
	c.closed.Do(func() {
		c.onClose()
		close(c.gone)
	})
	return err //nolint:wrapcheck // a connection passes errors through
}

// Write sends one message. It is called by any goroutine. Requests wait for each
// other, answers go before those that wait.
func (c *framedConn) Write(p []byte) (int, error) {
	places := c.asking
	if answers(p) {
		places = c.unsent
	}
	select {
	case places <- struct{}{}:
	case <-c.gone:
		return 0, net.ErrClosed
	}
	defer func() { <-places }()
	_ = c.Conn.SetWriteDeadline(time.Now().Add(writeTimeout)) // fails only when it is closed
	return c.Conn.Write(p)                                    //nolint:wrapcheck // a connection passes errors through
}

// SetWriteDeadline does nothing: Write has a deadline of its own. That of the stack would still stand, and be over, when something is written
// that the stack does not know of, such as a keep-alive; and it would put off the end of a write that is stuck with each message that waits for its turn.
func (c *framedConn) SetWriteDeadline(time.Time) error { return nil }

// answers tells whether a message is a response or a keep-alive, and not a
// request.
func answers(p []byte) bool {
	return bytes.HasPrefix(p, []byte("SIP/2.0 ")) || bytes.HasPrefix(p, []byte("\r\n"))
}

// turn waits until a request with a body of a size may be given to the stack. back gives the place back.
func (c *framedConn) turn(ctx context.Context, size int) (back func(), err error) {
	if size < largeBody {
		return func() {}, nil
	}
	select {
	case c.large <- struct{}{}:
		return func() { <-c.large }, nil
	case <-c.gone:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err() //nolint:wrapcheck // begin says what it was
	}
}

// heed waits while too many answers wait for the peer: who asks and does not
// read them is not asked to ask more. What we ask does not count: else two that
// ask each other much would wait for each other. A write that fails ends the
// connection, and with it the waiting.
func (c *framedConn) heed() {
	c.unsent <- struct{}{}
	<-c.unsent
}

// Read delivers the next message, or a part of it if p is too short. It is
// called by one goroutine.
func (c *framedConn) Read(p []byte) (int, error) {
	if err := c.fill(); err != nil {
		if c.mute != nil && c.heard.IsZero() && !errors.Is(err, net.ErrClosed) {
			c.mute()
		}
		c.linger(err)
		c.finish()
		return 0, err
	}
	c.heard = time.Now()
	n := copy(p, c.ready)
	c.ready = c.ready[n:]
	return n, nil
}

// give has the stack take a request for this connection. It fails when the stack is told that the connection has ended, or was: the stack knows a transaction before that is ready for it to be told so, and
// would bring down the whole program.
func (c *framedConn) give(request func() error) error {
	c.giving.RLock()
	defer c.giving.RUnlock()
	if c.over {
		return net.ErrClosed
	}
	return request()
}

// finish ends the connection before the stack is told of its end, so that no request is being given to it then. Those that wait for the peer to take them end with it.
func (c *framedConn) finish() {
	_ = c.Close() // the stack will, too
	c.giving.Lock()
	defer c.giving.Unlock()
	c.over = true
}

// linger waits until what the peer said before it closed has been taken up.
func (c *framedConn) linger(err error) {
	if c.heard.IsZero() || errors.Is(err, net.ErrClosed) { // we have closed it
		return
	}
	rest := time.NewTimer(time.Until(c.heard.Add(lastWords)))
	defer rest.Stop()
	select {
	case <-rest.C:
	case <-c.gone:
	}
}

// fill gets the next message that is worth parsing.
func (c *framedConn) fill() error {
	for len(c.ready) == 0 {
		c.heed()
		message, err := c.next()
		if err != nil {
			return err
		}
		switch what, status := precheck(message, c.limits, true); what {
		case pass:
			c.ready = message
		case reject:
			if answer := c.refuse(status, message); answer != nil {
				if _, err := c.Write(answer); err != nil {
					return err //nolint:wrapcheck // a connection passes errors through
				}
			}
		case drop:
		}
	}
	return nil
}

// next cuts the next message out of the stream.
func (c *framedConn) next() ([]byte, error) {
	begun := false
	for {
		if err := c.skipKeepAlive(); err != nil {
			return nil, err
		}
		length, err := c.messageLength()
		if err != nil {
			return nil, err
		}
		if length > 0 && length <= len(c.buf) {
			message := bytes.Clone(c.buf[:length])
			c.buf = append(c.buf[:0], c.buf[length:]...)
			return message, nil
		}
		if len(c.buf) > c.limits.MaxMessageSize {
			return nil, errFraming
		}
		if len(c.buf) > 0 && !begun {
			// Who has begun a message has to end it.
			_ = c.SetReadDeadline(time.Now().Add(messageTimeout))
			begun = true
		}
		var chunk [4096]byte
		n, err := c.Conn.Read(chunk[:])
		c.buf = append(c.buf, chunk[:n]...)
		if err != nil && n == 0 {
			return nil, err //nolint:wrapcheck // the reader looks for io.EOF
		}
	}
}

// skipKeepAlive removes line ends before a message and answers a ping of two of
// them (RFC 5626, section 3.5.1).
func (c *framedConn) skipKeepAlive() error {
	for bytes.HasPrefix(c.buf, []byte("\r\n")) {
		if !bytes.HasPrefix(c.buf, []byte("\r\n\r\n")) {
			if len(c.buf) > 2 && c.buf[2] != '\r' || len(c.buf) > 3 {
				c.buf = c.buf[2:]
				continue
			}
			return nil // may become a ping
		}
		c.buf = c.buf[4:]
		if _, err := c.Write([]byte("\r\n")); err != nil {
			return err //nolint:wrapcheck // a connection passes errors through
		}
	}
	return nil
}

// messageLength returns the length of the message at the front of the buffer,
// or 0 when its header is not complete.
func (c *framedConn) messageLength() (int, error) {
	end := bytes.Index(c.buf, []byte("\r\n\r\n"))
	if end < 0 {
		return 0, nil
	}
	lengths := splitMessage(c.buf[:end+4]).values("Content-Length")
	status := 400
	if len(lengths) == 1 {
		if n, err := strconv.ParseUint(lengths[0], 10, 31); err == nil {
			if end+4+int(n) <= c.limits.MaxMessageSize {
				return end + 4 + int(n), nil
			}
			status = 413
		}
	}
	// Without a length, or with one that is not waited for, there is nothing to go on from: answer and close.
	if answer := c.refuse(status, c.buf[:end+4]); answer != nil {
		_, _ = c.Write(answer)
	}
	// What came before is to be answered first.
	time.Sleep(framingGrace)
	return 0, io.EOF
}
