package focus_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
)

// lostCall is a call of a record-aware phone over TCP whose connection has ended, and that cannot be reached at the address that it gave.
func (b *bench) lostCall(conf string) {
	b.t.Helper()
	p := b.plain("phone") // its media
	conn, err := new(net.Dialer).DialContext(b.t.Context(), "tcp", b.addr.String())
	must(b.t, err)
	send := func(method, tag, body, headers string) {
		lines := []string{
			method + " " + b.uri(conf) + " SIP/2.0", fmt.Sprintf("Via: SIP/2.0/TCP %s;branch=z9hG4bK%s", conn.LocalAddr(), method), "Max-Forwards: 70",
			"From: <sip:phone@127.0.0.1>;tag=phone", "To: <" + b.uri(conf) + ">" + tag, "Call-ID: outage", "CSeq: 1 " + method,
			"Contact: <sip:phone@127.0.0.1:9;transport=tcp>", fmt.Sprintf("%sContent-Length: %d", headers, len(body)), "", body,
		}
		_, failed := io.WriteString(conn, strings.Join(lines, "\r\n"))
		must(b.t, failed)
	}
	send("INVITE", "", p.sdp(), "Supported: record-aware\r\nContent-Type: application/sdp\r\n")
	reader := textproto.NewReader(bufio.NewReader(conn))
	status, err := reader.ReadLine()
	must(b.t, err)
	header, err := reader.ReadMIMEHeader()
	must(b.t, err)
	length, err := strconv.Atoi(header.Get("Content-Length"))
	must(b.t, err)
	_, err = io.CopyN(io.Discard, reader.R, int64(length))
	must(b.t, err)
	_, tag, _ := strings.Cut(header.Get("To"), ";tag=")
	send("ACK", ";tag="+tag, "", "")
	b.await(status+": him", func() bool { return b.find(conf, "phone").Status.Present() })
	must(b.t, conn.Close())
	b.await("the end of the connection", func() bool { return len(b.agent.Connections()) == 0 })
}

// A phone whose connection has ended, and that cannot be reached by another one until it comes back, stays in its call when it is to be told of a recording: it
// hears the tone instead, and is recorded (RFC 3261, sections 8.1.3.1 and 12.2.1.2; SR-REC-01). So it is with those behind a server that is started anew, and
// with a browser that changes its network.
func TestRecordingBeginsInAnOutage(t *testing.T) {
	srs := newRecordingServer(t)
	b := recordingBench(t, srs, func(c *focus.Config) { c.Notification.Timeout = 10 * time.Second })
	b.lostCall("room")
	b.record("room", conference.Separate)
	b.await("him to be told, and recorded", func() bool {
		return b.find("room", "phone").Recording == conference.IndicateOn && srs.stream("1").packets > 5
	})
	if at := b.find("room", "phone"); !at.Status.Present() {
		t.Errorf("is %s", at.Status)
	}
}

// Who cannot be reached, and is not heard for the time after which he would be asked, is out.
func TestSilentInAnOutage(t *testing.T) {
	b := newBench(t, focus.Config{Dynamic: true, MediaTimeout: 300 * time.Millisecond})
	b.lostCall("room")
	b.await("the dead to be out", func() bool { return b.find("room", "phone").ID == "" })
}
