package srs

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/internal/srtp"
	"github.com/parley-sip/parley/siprec"
)

// A vendor is an INVITE as a recording client in the field writes it, rebuilt in testdata/vendors.
type vendor struct {
	t       *testing.T
	conn    net.Conn
	in      *bufio.Reader
	request string // line and header fields as far as they are those of the dialog
	contact string // the recorder's
	offer   sdp.Description
	next    int
}

// readVendor reads the message of a file, and its offer.
func readVendor(t *testing.T, name string) (head, body []byte, offer sdp.Description) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "vendors", name+".sip"))
	if err != nil {
		t.Fatal(err)
	}
	head, body, _ = bytes.Cut(bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n")), []byte("\r\n\r\n"))
	_, rest, _ := bytes.Cut(head, []byte("\r\n"))
	fields, err := textproto.NewReader(bufio.NewReader(io.MultiReader(bytes.NewReader(rest), strings.NewReader("\r\n\r\n")))).ReadMIMEHeader()
	if err != nil {
		t.Fatal(err)
	}
	content, err := siprec.ParseContent(fields.Get("Content-Type"), fields.Get("Content-Disposition"), body)
	if err != nil {
		t.Fatal(err)
	}
	if offer, err = sdp.Parse(content.SDP); err != nil {
		t.Fatal(err)
	}

	return head, body, offer
}

// dialVendor sends the INVITE of a vendor over TCP and returns the final response.
func dialVendor(t *testing.T, server *Server, name string) (v *vendor, status int, fields textproto.MIMEHeader, answer []byte) {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", server.Addr("tcp").String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	head, body, offer := readVendor(t, name)
	v = &vendor{t: t, conn: conn, in: bufio.NewReader(conn), offer: offer}
	for line := range strings.SplitSeq(string(head), "\r\n") {
		if kind, _, _ := strings.Cut(line, ":"); kind == "Via" || kind == "From" || kind == "Call-ID" || kind == "Max-Forwards" {
			v.request += line + "\r\n"
		}
	}
	v.send(fmt.Appendf(head, "\r\nContent-Length: %d\r\n\r\n%s", len(body), body))
	status, fields, answer = v.response()
	v.contact = strings.Trim(strings.SplitN(fields.Get("Contact"), ">", 2)[0], "<")
	v.request += "To: " + fields.Get("To") + "\r\n"
	sequence, _, _ := strings.Cut(fields.Get("CSeq"), " ")
	v.next, _ = strconv.Atoi(sequence)

	return v, status, fields, answer
}

func (v *vendor) send(message []byte) {
	v.t.Helper()
	if _, err := v.conn.Write(message); err != nil {
		v.t.Fatal(err)
	}
}

// response reads the next final response.
func (v *vendor) response() (status int, fields textproto.MIMEHeader, body []byte) {
	v.t.Helper()
	for {
		in := textproto.NewReader(v.in)
		line, err := in.ReadLine()
		if err != nil {
			v.t.Fatal(err)
		}
		if fields, err = in.ReadMIMEHeader(); err != nil {
			v.t.Fatal(err)
		}
		size, _ := strconv.Atoi(fields.Get("Content-Length"))
		body = make([]byte, size)
		if _, err = io.ReadFull(v.in, body); err != nil {
			v.t.Fatal(err)
		}
		if status, err = strconv.Atoi(strings.Fields(line)[1]); err != nil {
			v.t.Fatal(line)
		}
		if status >= 200 {
			return status, fields, body
		}
	}
}

func (v *vendor) ack() {
	v.t.Helper()
	v.send(fmt.Appendf(nil, "ACK %s SIP/2.0\r\n%sCSeq: %d ACK\r\nContent-Length: 0\r\n\r\n", v.contact, v.request, v.next))
}

func (v *vendor) bye() {
	v.t.Helper()
	branch := strings.Replace(v.request, "branch=z9hG4bK", "branch=z9hG4bKbye", 1)
	v.send(fmt.Appendf(nil, "BYE %s SIP/2.0\r\n%sCSeq: %d BYE\r\nContent-Length: 0\r\n\r\n", v.contact, branch, v.next+1))
	if status, _, _ := v.response(); status != 200 {
		v.t.Errorf("BYE: %d", status)
	}
}

// vendorFrames is how much each of its streams sends; the second beat of the tone is in it.
const vendorFrames = 40

// speak sends a tone on a stream, under its key if it has one.
func (v *vendor) speak(stream sdp.Stream) {
	v.t.Helper()
	voice := newVoice(v.t, stream.Label, stream.Codec, 400+200*float64(stream.Index))
	voice.use(stream)
	var sender *srtp.Sender
	if stream.Protection != nil {
		var err error
		if sender, err = srtp.NewSender(stream.Protection.Local); err != nil {
			v.t.Fatal(err)
		}
	}
	for n := range vendorFrames {
		packet := voice.packet(v.t, n)
		if sender != nil {
			size := len(packet)
			packet = append(packet, make([]byte, srtp.MaxOverhead)...)
			size, err := sender.Protect(packet, size)
			if err != nil {
				v.t.Fatal(err)
			}
			packet = packet[:size]
		}
		if !voice.sockets.rtp.Send(packet, stream.Remote) {
			v.t.Fatal("a packet was not sent")
		}
	}
}

// What clients in the field send is recorded, with all that is wrong with it in the report; in strict mode it is refused
// with the same reasons, and what is right is taken.
// Shows SR-INT-06, SR-INT-07, SR-INT-21, SR-INT-26, SR-INT-27, SR-INT-33.
func TestVendors(t *testing.T) {
	t.Parallel()
	if files, err := filepath.Glob(filepath.Join("testdata", "vendors", "*.sip")); err != nil || len(files) != len(vendors) {
		t.Errorf("%v of %d vendors: %v", files, len(vendors), err)
	}
	for name, x := range vendors {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clean := len(x.issues) == 0 && len(x.strict) == 0
			r := recordVendor(t, name, false)
			checkVendor(t, r, x.files, x.who, x.issues)
			if clean {
				checkVendor(t, recordVendor(t, name, true), x.files, x.who, nil)

				return
			}
			server := startServer(t, Config{Strict: true})
			v, status, fields, _ := dialVendor(t, server, name)
			v.ack()
			warnings := strings.Join(fields.Values("Warning"), "\n")
			if status != 400 || len(server.Recordings()) != 0 {
				t.Errorf("strict: %d with %d recordings", status, len(server.Recordings()))
			}
			for _, want := range x.strict {
				if !strings.Contains(warnings, want) {
					t.Errorf("strict: no %q in\n%s", want, warnings)
				}
			}
			if len(x.issues) > 0 && !strings.Contains(warnings, "metadata: ") {
				t.Errorf("strict: nothing about the metadata in\n%s", warnings)
			}
		})
	}
}

// recordVendor is a session as that vendor's client has it.
func recordVendor(t *testing.T, name string, strict bool) Recording {
	t.Helper()
	hooks := newLog()
	server := startServer(t, Config{Strict: strict, Hooks: hooks.hooks(), Security: SecurityOptional, KeysInClear: true})
	v, status, fields, body := dialVendor(t, server, name)
	v.ack()
	if status != 200 {
		t.Fatalf("%d %v", status, fields)
	}
	answer, err := sdp.Parse(body)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := sdp.Accept(v.offer, answer)
	if err != nil || len(plan.Streams) != 2 {
		t.Fatalf("%v in %s", err, body)
	}
	for i, stream := range plan.Streams {
		if answer.DirectionOf(i) != sdp.RecvOnly || answer.Media[i].Label != v.offer.Media[i].Label {
			t.Errorf("m-line %d is %v with label %q", i, answer.DirectionOf(i), answer.Media[i].Label)
		}
		v.speak(stream)
	}
	v.bye()

	return hooks.wait(t)
}

func checkVendor(t *testing.T, r Recording, files, who, issues []string) {
	t.Helper()
	if r.State != StateFinished || len(r.Streams) != len(files) || len(r.Participants) != len(who) || len(r.Metadata) != 1 {
		t.Fatalf("%+v", r)
	}
	for i, p := range r.Participants {
		if got := p.Name; got != who[i] && (got != "" || p.AOR != who[i]) || len(p.Labels) != 1 {
			t.Errorf("participant %d is %+v", i, p)
		}
	}
	for i, s := range r.Streams {
		stream, pcm := load(t, r, s.Label)
		heard := energy(pcm, stream.SampleRate, 0, 1)
		if s.File != files[i] || s.Packets != vendorFrames || heard < 1000 || len(s.Participants) != 1 || s.Participants[0] != r.Participants[i].ID {
			t.Errorf("stream %d has energy %.0f: %+v", i, heard, s)
		}
	}
	found := strings.Join(r.Metadata[0].Issues, "\n")
	if (len(issues) > 0) != (found != "") {
		t.Errorf("issues:\n%s", found)
	}
	for _, want := range issues {
		if !strings.Contains(found, want) {
			t.Errorf("no %q in\n%s", want, found)
		}
	}
}
