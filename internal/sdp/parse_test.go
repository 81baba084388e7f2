package sdp

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// What cannot be repaired is malformed (RFC 8866, sections 5 and 9).
func TestMalformed(t *testing.T) {
	const o, tail = "o=- 1 1 IN IP4 192.0.2.9\r\n", "s=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n"
	tests := map[string]string{
		"empty":            "",
		"not a line":       "hello",
		"version":          "v=1\r\n" + o + tail,
		"version later":    o + "v=0\r\n" + tail,
		"second version":   "v=0\r\n" + o + "v=0\r\n" + tail,
		"no origin":        "v=0\r\n" + tail,
		"second origin":    "v=0\r\n" + o + o + tail,
		"short origin":     "v=0\r\no=- 1 1\r\n" + tail,
		"network type":     "v=0\r\no=- 1 1 ATM NSAP 1\r\n" + tail,
		"unknown type":     "v=0\r\n" + o + tail + "x=1\r\n",
		"unknown in media": "v=0\r\n" + o + tail + "m=audio 1 RTP/AVP 0\r\nt=0 0\r\n",
		"long line":        "v=0\r\n" + o + tail + strings.Repeat("ä", 500) + "\r\n",
		"no type":          "v=0\r\n" + o + tail + "audio\r\n",
		"NUL":              "v=0\r\n" + o + tail + "a=\x00\r\n",
		"time":             "v=0\r\n" + o + "s=-\r\nt=now then\r\n",
		"connection":       "v=0\r\n" + o + "s=-\r\nc=IN\r\nt=0 0\r\n",
		"no address":       "v=0\r\n" + o + "s=-\r\nc=IN IP4 /3\r\nt=0 0\r\n",
		"stream address":   "v=0\r\n" + o + tail + "m=audio 1 RTP/AVP 0\r\nc=IN IP4 /3\r\n",
		"no connection":    "v=0\r\n" + o + "s=-\r\nt=0 0\r\nm=audio 1 RTP/AVP 0\r\n",
		"short media":      "v=0\r\n" + o + tail + "m=audio 1\r\n",
		"port":             "v=0\r\n" + o + tail + "m=audio x RTP/AVP 0\r\n",
		"large port":       "v=0\r\n" + o + tail + "m=audio 65536 RTP/AVP 0\r\n",
		"negative port":    "v=0\r\n" + o + tail + "m=audio -1 RTP/AVP 0\r\n",
		"ports":            "v=0\r\n" + o + tail + "m=audio 1/0 RTP/AVP 0\r\n",
		"no format":        "v=0\r\n" + o + tail + "m=audio 1 RTP/AVP 128\r\n",
		"too long":         "v=0\r\n" + o + tail + strings.Repeat("a=x\r\n", maxText/5),
		"too many":         "v=0\r\n" + o + tail + strings.Repeat("m=audio 0 RTP/AVP 0\r\n", maxMedia+1),
	}
	for name, text := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Parse([]byte(text))
			var stream *StreamError
			if !errors.Is(err, ErrMalformed) || !errors.As(err, &stream) || WarningFor(err).Code != 399 || len(err.Error()) > 200 {
				t.Errorf("%v", err)
			}
		})
	}
}

// What peers get wrong and what means nothing for a call is repaired or left out.
func TestLenient(t *testing.T) {
	const want = head + "m=audio 4000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=ptime:20\r\n"
	tests := map[string]string{
		"itself":         want,
		"LF":             strings.ReplaceAll(want, "\r\n", "\n"),
		"CR":             strings.ReplaceAll(want, "\r\n", "\r"),
		"blank lines":    "\r\n" + strings.ReplaceAll(want, "\r\n", " \r\n\r\n"),
		"no end":         strings.TrimSuffix(want, "\r\n"),
		"no time":        strings.ReplaceAll(want, "t=0 0\r\n", ""),
		"half time":      strings.ReplaceAll(want, "t=0 0\r\n", "t=0\r\n"),
		"no name":        strings.ReplaceAll(want, "s=-\r\n", ""),
		"empty name":     strings.ReplaceAll(want, "s=-\r\n", "s=\r\n"),
		"order":          strings.ReplaceAll(want, "s=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n", "t=0 0\r\nc=IN IP4 192.0.2.9\r\ns=-\r\n"),
		"other lines":    strings.ReplaceAll(want, "t=0 0\r\n", "i=x\r\nu=:\r\ne=x\r\np=1\r\nb=NEW:1\r\nt=0 0\r\nr=x\r\nz=x\r\nk=clear:x\r\n"),
		"media lines":    strings.ReplaceAll(want, "a=ptime", "i=x\r\nb=AS\r\nk=prompt\r\na=ptime"),
		"blanks":         strings.ReplaceAll(want, "m=audio 4000 ", "m= audio  4000\t"),
		"no user name":   strings.ReplaceAll(want, "o=- ", "o= "),
		"user name":      strings.ReplaceAll(want, "o=- ", "o=- Some Phone "),
		"case":           strings.ReplaceAll(want, "IN IP4", "in ip4"),
		"repeated":       strings.ReplaceAll(want, "RTP/AVP 0", "RTP/AVP 0 0 x 200"),
		"no mapping":     strings.ReplaceAll(want, "a=rtpmap:0 PCMU/8000\r\n", ""),
		"empty property": want + "a=\r\na=:x\r\n",
		"IPv4 as IPv6":   strings.ReplaceAll(want, "c=IN IP4", "c=IN IP6"),
		"second c=":      strings.ReplaceAll(want, "t=0 0", "c=IN IP4 192.0.2.10\r\nt=0 0"),
	}
	for name, text := range tests {
		t.Run(name, func(t *testing.T) {
			d, err := Parse([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			if got := string(d.Marshal()); got != want {
				t.Errorf("%s", got)
			}
		})
	}
}

// A peer's identifiers may be of any length, and are no numbers at times; equal ones stay equal (RFC 8866, section 5.2).
func TestIdentifiersOfPeers(t *testing.T) {
	read := func(id string) uint64 {
		d, err := Parse([]byte(strings.Replace(head, "o=- 1 ", "o=- "+id+" ", 1)))
		if err != nil {
			t.Fatal(err)
		}
		return d.Origin.Session
	}
	if read("18446744073709551615") != 18446744073709551615 || read("007") != 7 {
		t.Error("a 64-bit number is not itself")
	}
	const long = "99999999999999999999999999"
	if a, b := read(long), read(long); a != b || read(long) == read(long+"9") || read("abc") == read("abd") {
		t.Error("identifiers are confused")
	}
}

// Everything that is modelled is read, and what is not stays as it is: keys for SRTP (RFC 4568, RFC 8122) and candidates.
func TestModel(t *testing.T) {
	d := parse(t, "a=record:on", "a=inactive", "a=sendonly", "a=fingerprint:sha-1 00", "m=audio 4000/2 RTP/SAVP 96", "c=IN IP6 2001:db8::1", "b=TIAS:5",
		"a=rtpmap:96 opus/48000/2", "a=rtpmap:97 x/1", "a=rtpmap:96 y/1", "a=fmtp:96 a=b; c", "a=ptime:30", "a=maxptime:60", "a=ptime:40",
		"a=rtcp:9 IN IP4 192.0.2.8", "a=rtcp-mux", "a=label:l", "a=content:main,alt", "a=record:paused", "a=recordpref:pause", "a=recvonly",
		"a=extmap:1/sendrecv urn:x  vad=on", "a=extmap:0 urn:y", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x", "a=setup:active", "a=x:",
		"m=message 5 TCP/MSRP *")
	want := Media{
		Kind: "audio", Port: 4000, Ports: 2, Proto: "RTP/SAVP",
		PayloadTypes: []PayloadType{{Number: 96, Name: "opus", ClockRate: 48000, Channels: 2, Parameters: "a=b; c"}},
		Connection:   Connection{Address: netip.MustParseAddr("2001:db8::1")},
		Bandwidth:    []Bandwidth{{Type: "TIAS", Value: 5}},
		Direction:    RecvOnly, PacketTime: 30e6, MaxPacketTime: 60e6,
		RTCP: RTCP{Port: 9, Address: netip.MustParseAddr("192.0.2.8")}, Mux: true, Label: "l", Content: "main,alt",
		Record: RecordPaused, RecordPreference: PreferencePause,
		Extensions: []Extension{{ID: 1, Direction: SendRecv, URI: "urn:x", Parameters: "vad=on"}},
		Attributes: []Attribute{
			{"rtpmap", "97 x/1"},
			{"rtpmap", "96 y/1"},
			{"ptime", "40"},
			{"extmap", "0 urn:y"},
			{"crypto", "1 AES_CM_128_HMAC_SHA1_80 inline:x"},
			{"setup", "active"},
			{"x", ""},
		},
	}
	if !reflect.DeepEqual(d.Media[0], want) {
		t.Errorf("got\n%+v\nwant\n%+v", d.Media[0], want)
	}
	if d.Direction != Inactive || d.Record != RecordOn || d.Values("fingerprint")[0] != "sha-1 00" || len(d.Media[0].Values("crypto")) != 1 {
		t.Errorf("%+v", d)
	}
	if m := d.Media[1]; m.Kind != "message" || m.Formats[0] != "*" || m.PayloadTypes != nil {
		t.Errorf("%+v", m)
	}
}

// Attributes that cannot be read stay as they are.
func TestUnreadableAttributes(t *testing.T) {
	lines := []string{
		"rtpmap:x PCMU/8000", "rtpmap:96 PCMU", "rtpmap:96 /8000", "rtpmap:96 a b/8000", "rtpmap:96 a/x", "rtpmap:96 a/0",
		"rtpmap:96 a/8000/x", "rtpmap:96 a/8000/0", "rtpmap:96 a/8000/1/1", "fmtp:96", "fmtp:97 x", "ptime:", "ptime:-1", "maxptime:x",
		"rtcp:x", "rtcp:0", "rtcp:9 IN IP4", "rtcp:9 IN IP4 host", "rtcp-mux:x", "label:", "content: ", "record:maybe", "recordpref:x",
		"extmap:x urn:x", "extmap:1/up urn:x", "extmap:1", "sendrecv:x",
	}
	for _, line := range lines {
		d := parse(t, "m=audio 4000 RTP/AVP 96", "a="+line)
		if len(d.Media[0].Attributes) != 1 {
			t.Errorf("%q is read as %+v", line, d.Media[0])
		}
	}
}

// No value can start a line of its own, whoever made it.
func TestNoInjection(t *testing.T) {
	d := parse(t, "m=audio 4000 RTP/AVP 0")
	d.Name, d.Origin.Username, d.Origin.Address = "a\r\na=x", "b\nc d", ""
	d.Media[0].Label, d.Media[0].Kind, d.Media[0].Proto = "l\na=y", "", "RTP/AVP\r"
	d.Media[0].Attributes = []Attribute{{"n\r\na=z", "v\n"}}
	for line := range strings.SplitSeq(string(d.Marshal()), "\r\n") {
		if strings.ContainsAny(line, "\r\n") || line == "a=x" || line == "a=y" || line == "a=z" {
			t.Errorf("%q", line)
		}
	}
	if again, err := Parse(d.Marshal()); err != nil || len(again.Media) != 1 || len(again.Media[0].Attributes) != 1 {
		t.Errorf("%+v, %v", again, err)
	}
}

// FO-IN-16 (RFC 4475, RFC 5118): the bodies of the torture messages are read or refused.
func TestTortureBodies(t *testing.T) {
	names, err := filepath.Glob("testdata/torture/*.sdp")
	if err != nil || len(names) == 0 {
		t.Fatal("no torture bodies", err)
	}
	refused := map[string]bool{
		"rfc4475-dblreq.sdp": true, // "m =video", in what follows the end of the request
		"rfc4475-test.sdp":   true, // not a description at all
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		d, err := Parse(text)
		if (err != nil) != refused[filepath.Base(name)] {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil {
			continue
		}
		if _, err := Answer(d, participant("192.0.2.1")); err != nil && WarningFor(err).Code == 399 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNames(t *testing.T) {
	for d := Unspecified; d <= Inactive; d++ {
		if d != Unspecified && (parseDirection(d.String()) != d || d.Reverse().Reverse() != d) {
			t.Error(d)
		}
	}
	for r := RecordUnspecified; r <= RecordPaused; r++ {
		if parseRecord(r.String()) != r {
			t.Error(r)
		}
	}
	for p := PreferenceUnspecified; p <= PreferenceNone; p++ {
		if parseRecordPreference(p.String()) != p {
			t.Error(p)
		}
	}
	if Direction(9).String() != "" || Record(9).String() != "" || RecordPreference(9).String() != "" {
		t.Error("unknown values have names")
	}
}

// Family tells the caller which address to bring.
func TestFamily(t *testing.T) {
	tests := []struct {
		lines []string
		want  netip.Addr
	}{
		{[]string{"m=audio 4000 RTP/AVP 0"}, netip.IPv4Unspecified()},
		{[]string{"m=audio 0 RTP/AVP 0", "m=audio 1 RTP/AVP 0", "c=IN IP6 2001:db8::1"}, netip.IPv6Unspecified()},
		{[]string{"m=audio 1 RTP/AVP 0", "c=IN IP6 phone.example.com"}, netip.IPv6Unspecified()},
		{[]string{"m=audio 1 RTP/AVP 0", "c=IN IP6 ::ffff:192.0.2.1"}, netip.IPv4Unspecified()},
		{nil, netip.Addr{}},
	}
	for _, tt := range tests {
		d := parse(t, tt.lines...)
		if got := d.Family(); got != tt.want {
			t.Errorf("%v: %v", tt.lines, got)
		}
	}
}
