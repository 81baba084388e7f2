package sipua

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// tortureAnswer is what an Agent does with a message.
type tortureAnswer struct {
	udp, tcp int    // status, or 0 for dropped
	why      string // what is special about it
}

// torture are the expectations: one row per message of RFC 4475 and RFC 5118.
// FO-ERR-01, FO-ERR-05, FO-ERR-08, FO-ERR-09, FO-ERR-10, FO-ERR-14, FO-ERR-22.
var torture = map[string]tortureAnswer{
	"badaspec":                      {400, 400, "space inside of the angle brackets"},
	"badbranch":                     {200, 200, "a branch that is the magic cookie alone is taken as one of RFC 2543"},
	"baddate":                       {200, 200, "Date means nothing to us"},
	"baddn":                         {400, 0, "display name without quotation marks; the message has no end"},
	"badinv01":                      {400, 400, "empty parameters"},
	"badvers":                       {505, 505, "SIP/7.0"},
	"bcast":                         {0, 0, "a response to nobody"},
	"bext01":                        {420, 420, "unknown option tags required"},
	"bigcode":                       {0, 0, "a response"},
	"clerr":                         {400, 0, "body shorter than its length; over TCP the rest is waited for"},
	"cparam01":                      {405, 405, "REGISTER is not allowed here"},
	"cparam02":                      {405, 405, "REGISTER is not allowed here"},
	"dblreq":                        {405, 405, "a second request behind the first; ignored over UDP"},
	"esc01":                         {200, 200, "escapes in the user part"},
	"esc02":                         {501, 501, "an escape in a method is part of its name"},
	"escnull":                       {405, 405, "escaped null bytes"},
	"escruri":                       {400, 400, "header fields in the Request-URI"},
	"insuf":                         {400, 400, "mandatory fields are missing"},
	"intmeth":                       {501, 501, "an unusual method"},
	"inv2543":                       {400, 400, "no Contact: RFC 2543 is not supported"},
	"invut":                         {415, 415, "unknown body type"},
	"longreq":                       {200, 200, "long fields and many Vias"},
	"ltgtruri":                      {400, 400, "angle brackets around the Request-URI"},
	"lwsdisp":                       {200, 200, "no space between name and bracket"},
	"lwsruri":                       {400, 400, "space in the Request-URI"},
	"lwsstart":                      {400, 400, "spaces in the start line"},
	"mcl01":                         {400, 400, "two lengths"},
	"mismatch01":                    {400, 400, "methods of start line and CSeq differ"},
	"mismatch02":                    {400, 400, "the same with an unknown method"},
	"mpart01":                       {200, 200, "multipart body in a MESSAGE"},
	"multi01":                       {400, 400, "fields that may be there once"},
	"ncl":                           {400, 400, "negative length"},
	"noreason":                      {0, 0, "a response"},
	"novelsc":                       {416, 416, "unknown scheme"},
	"quotbal":                       {400, 400, "no closing quotation mark"},
	"regaut01":                      {405, 405, "REGISTER is not allowed here"},
	"regbadct":                      {400, 400, "Contact needs brackets"},
	"regescrt":                      {405, 405, "REGISTER is not allowed here"},
	"scalar02":                      {400, 400, "numbers out of range"},
	"scalarlg":                      {0, 0, "a response"},
	"sdp01":                         {200, 200, "body that the Accept does not list is what we send nevertheless"},
	"semiuri":                       {200, 200, "semicolon in the user part"},
	"test":                          {0, 0, "no SIP message"},
	"transports":                    {200, 200, "unknown transports below the top Via"},
	"trws":                          {400, 400, "space at the end of the start line"},
	"unkscm":                        {416, 416, "unknown scheme"},
	"unksm2":                        {405, 405, "REGISTER is not allowed here"},
	"unreason":                      {0, 0, "a response"},
	"wsinv":                         {481, 481, "valid, with every kind of space, in an unknown dialog"},
	"zeromf":                        {200, 200, "OPTIONS that ends here"},
	"ipv4-mapped-ipv6":              {200, 200, "RFC 5118, section 4.10"},
	"ipv6-bad":                      {400, 400, "RFC 5118, section 4.2: brackets are missing"},
	"ipv6-bug-abnf-3-colons":        {400, 400, "RFC 5118, section 4.9: no address"},
	"ipv6-correct-abnf-2-colons":    {200, 200, "RFC 5118, section 4.9"},
	"ipv6-good":                     {405, 405, "RFC 5118, section 4.1; REGISTER is not allowed here"},
	"ipv6-in-sdp":                   {200, 200, "RFC 5118, section 4.7"},
	"mult-ip-in-header":             {481, 481, "RFC 5118, section 4.6; BYE in an unknown dialog"},
	"mult-ip-in-sdp":                {200, 200, "RFC 5118, section 4.8"},
	"port-ambiguous":                {405, 405, "RFC 5118, section 4.3: an address that ends in :5070"},
	"port-unambiguous":              {405, 405, "RFC 5118, section 4.4"},
	"via-received-param-no-delim":   {200, 200, "RFC 5118, section 4.5"},
	"via-received-param-with-delim": {481, 481, "RFC 5118, section 4.5; BYE in an unknown dialog"},
}

// probe sends an OPTIONS and fails the test unless it is answered.
func probe(t *testing.T, p *phone) {
	t.Helper()
	p.send(p.render(p.form("OPTIONS")))
	p.expect("SIP/2.0 200")
}

// tortureMessage reads a message. What is a matter of the file is undone: line
// ends, and a branch that several messages share.
func tortureMessage(t *testing.T, file string) []byte {
	t.Helper()
	message, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(message, []byte("\r\n")) {
		// The messages of RFC 5118 are copied from its text: the line ends are not
		// those of SIP, and the lengths not those of the bodies.
		head, body, _ := bytes.Cut(bytes.ReplaceAll(message, []byte("\n"), []byte("\r\n")), []byte("\r\n\r\n"))
		head = regexp.MustCompile(`Content-Length: \d+`).ReplaceAll(bytes.TrimSpace(head), fmt.Append(nil, "Content-Length: ", len(body)))
		message = append(append(head, "\r\n\r\n"...), body...)
	}
	message = bytes.ReplaceAll(message, []byte("z9hG4bKkdjuw"), []byte("z9hG4bK"+unique("t")))
	return bytes.ReplaceAll(message, []byte("z9hG4bKas3-111"), []byte("z9hG4bK"+unique("t")))
}

// outcome sends a message and returns the status of its first final response.
func outcome(t *testing.T, agent *Agent, transport string, message []byte, patience time.Duration) int {
	t.Helper()
	p := dialPhone(t, agent, transport)
	if transport == "udp" {
		// Responses go to the port in Via, which is not ours: take them at ours.
		for _, place := range []string{"sip33.example.com", ";branch=", "192.0.2.15;"} {
			if at := bytes.Index(message, []byte(place)); at >= 0 {
				if place[0] != ';' {
					at += len(strings.TrimSuffix(place, ";"))
				}
				message = append(append(bytes.Clone(message[:at]), ";rport"...), message[at:]...)
				break
			}
		}
	}
	p.send(string(message))
	for {
		answer := p.read(patience)
		status := 0
		if answer == "" {
			return 0
		}
		if id := fieldOf(answer, "Call-ID"); id != "" && !strings.Contains(strings.Join(splitMessage(message).values("Call-ID"), " "), id) {
			continue // to the second of two messages
		}
		if _, err := fmt.Sscanf(answer, "SIP/2.0 %d", &status); err == nil && status >= 200 {
			return status
		}
	}
}

func TestTorture(t *testing.T) {
	callee := newRecorder()
	callee.request = func(*Request) *Response { return NewResponse(200) }
	agents := map[string]*Agent{
		"udp": startAgent(t, Config{}, callee), "tcp": startAgent(t, Config{}, callee),
		"tls": startAgent(t, Config{Listen: []string{"tls://127.0.0.1:0"}, TLS: testAuthority.settings(t, "127.0.0.1")}, callee),
	}
	seen := 0
	for _, set := range []string{"torture4475", "torture5118"} {
		files, err := filepath.Glob(filepath.Join("..", "..", "testdata", set, "*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			name := strings.TrimSuffix(filepath.Base(file), ".dat")
			want, ok := torture[name]
			if !ok {
				t.Errorf("%s: nothing is expected of it", name)
			}
			seen++
			for transport, agent := range agents {
				t.Run(name+"/"+transport, func(t *testing.T) {
					expected := want.udp
					if transport != "udp" {
						expected = want.tcp
					}
					limit := 3 * time.Second
					if expected == 0 {
						limit = 150 * time.Millisecond
					}
					if got := outcome(t, agent, transport, tortureMessage(t, file), limit); got != expected {
						t.Errorf("%d, want %d: %s", got, expected, want.why)
					}
					probe(t, dialPhone(t, agent, transport))
				})
			}
		}
	}
	if seen != len(torture) || seen != 62 {
		t.Errorf("%d messages, %d expectations", seen, len(torture))
	}
}
