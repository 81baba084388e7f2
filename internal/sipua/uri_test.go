package sipua

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

func TestParseURI(t *testing.T) {
	for _, row := range []struct {
		text string
		want URI
	}{
		{"sip:example.com", URI{Scheme: "sip", Host: "example.com"}},
		{"SIP:alice:secret@example.com:5070", URI{Scheme: "sip", User: "alice", Password: "secret", Host: "example.com", Port: 5070}},
		{"sips:a@[2001:db8::1]:5061;transport=tcp;lr?a=b", URI{
			Scheme: "sips", User: "a", Host: "2001:db8::1", Port: 5061, Params: Params{{"transport", "tcp"}, {"lr", ""}}, Headers: "a=b",
		}},
		{"sip:user;par=u%40x@example.com", URI{Scheme: "sip", User: "user;par=u%40x", Host: "example.com"}},
		{"tel:+358-555-1234567;postd=pp22", URI{Scheme: "tel", Opaque: "+358-555-1234567;postd=pp22"}},
	} {
		got, err := ParseURI(row.text)
		if err != nil || !reflect.DeepEqual(got, row.want) {
			t.Errorf("%s: %+v, %v", row.text, got, err)
		}
		if again, err := ParseURI(got.String()); err != nil || !reflect.DeepEqual(again, got) {
			t.Errorf("%s: %s does not mean the same", row.text, got)
		}
	}
	for _, text := range []string{
		"", "sip:", "example.com", "sip:a@", "sip:a b@c", "sip:[::1", "sip:[1.2.3.4]", "sip:a:0", "sip:a:70000", "sip:a:", "sip:<a>",
		"sip:[::1]x", "sip:[::1]:", "s p:a",
	} {
		if got, err := ParseURI(text); !errors.Is(err, ErrURI) {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
}

// TestURIEqual has the examples of RFC 3261, section 19.1.4.
func TestUserPart(t *testing.T) {
	for text, want := range map[string]string{
		"sip:a%20b@example.com": "a b", "sip:+44-20@example.com;user=phone": "+44-20", "sip:example.com": "",
		"tel:+44-(20).7946;ext=5": "+44207946", "TEL:*21%23;phone-context=example.com": "*21#", "urn:service:sos": "",
	} {
		if uri, err := ParseURI(text); err != nil || uri.UserPart() != want {
			t.Errorf("%s: %q, %v", text, uri.UserPart(), err)
		}
	}
}

func TestURIEqual(t *testing.T) {
	for _, row := range []struct {
		a, b string
		same bool
	}{
		{"sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp", true},
		{"sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5", true},
		{"sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;security=on", true},
		{"SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP", false},
		{"sip:bob@biloxi.com", "sip:bob@biloxi.com:5060", false},
		{"sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp", false},
		{"sip:bob@biloxi.com;transport=udp", "sip:bob@biloxi.com:6000;transport=tcp", false},
		{"sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting", false},
		{"sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off", false},
	} {
		a, errA := ParseURI(row.a)
		b, errB := ParseURI(row.b)
		if errA != nil || errB != nil {
			t.Fatal(errA, errB)
		}
		if a.Equal(b) != row.same || b.Equal(a) != row.same {
			t.Errorf("%s and %s: %v", row.a, row.b, !row.same)
		}
	}
}

func TestParseAddress(t *testing.T) {
	for _, row := range []struct{ text, name, uri, tag string }{
		{`"A. G. Bell" <sip:agb@bell-telephone.com> ;tag=a48s`, "A. G. Bell", "sip:agb@bell-telephone.com", "a48s"},
		{`sip:+12125551212@server.phone2net.com;tag=887s`, "", "sip:+12125551212@server.phone2net.com", "887s"},
		{`Anonymous <sip:c8oqz84zk7z@privacy.org>;tag=hyh8`, "Anonymous", "sip:c8oqz84zk7z@privacy.org", "hyh8"},
		{`<sip:a@b;tag=no>;TAG=yes`, "", "sip:a@b;tag=no", "yes"},
		{`"say \"hi\"; <x>" <sip:a@b>;z="a;tag=2";tag=1`, `say "hi"; <x>`, "sip:a@b", "1"},
	} {
		got, err := ParseAddress(row.text)
		if err != nil || got.Name != row.name || got.URI.String() != row.uri || got.Tag() != row.tag {
			t.Errorf("%s: %+v, %v", row.text, got, err)
		}
		if again, err := ParseAddress(got.String()); err != nil || !reflect.DeepEqual(again, got) {
			t.Errorf("%s: %s does not mean the same", row.text, got)
		}
	}
	for _, text := range []string{"", "<sip:a@b", `"x" sip:a@b`, `"x <sip:a@b>`, "a, b <sip:a@b>", "< sip:a@b>", "<sip:a@b>x", `<sip:a@b>;x="`} {
		if got, err := ParseAddress(text); err == nil {
			t.Errorf("%q: %+v", text, got)
		}
	}
}

func TestHeaders(t *testing.T) {
	headers := Headers{{"Supported", "timer, 100rel"}, {"supported", "replaces"}, {"Contact", `"a, b" <sip:a,b@c>, <sip:d>`}}
	if got := strings.Join(headers.List("k"), "|"); got != "timer|100rel|replaces" {
		t.Error(got)
	}
	if got := headers.List("m"); len(got) != 2 {
		t.Error(got)
	}
	if !headers.Contains("Supported", "Timer") || headers.Contains("Supported", "time") || headers.Without("k").Has("Supported") {
		t.Error("lists")
	}
}

func FuzzParseURI(f *testing.F) {
	for _, seed := range []string{"sip:a:b@[::1]:5060;transport=tcp;lr?x=y", "tel:1", "sip:user;par=u%40x@example.com", "sips:x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		uri, err := ParseURI(text)
		if err != nil {
			return
		}
		again, err := ParseURI(uri.String())
		if err != nil || again.String() != uri.String() || !uri.Equal(again) {
			t.Errorf("%q gives %q, and that %q: %v", text, uri, again, err)
		}
	})
}

func FuzzParseAddress(f *testing.F) {
	for _, seed := range []string{`"a \" b" <sip:a@b;x>;tag=1;z="q;w"`, "sip:a@b;tag=2", "A B <tel:1>", "<sip:[::1]>"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		address, err := ParseAddress(text)
		if err != nil {
			return
		}
		again, err := ParseAddress(address.String())
		if err != nil || again.String() != address.String() || again.Tag() != address.Tag() {
			t.Errorf("%q gives %q, and that %q: %v", text, address, again, err)
		}
		if strings.ContainsAny(address.String(), "\r\n") {
			t.Errorf("%q ends its line", address)
		}
	})
}

// FuzzPrecheck: what passes is understood by the parser, and what is answered is
// answered with a message that passes.
func FuzzPrecheck(f *testing.F) {
	f.Add([]byte("OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bKx\r\nFrom: <sip:a>;tag=1\r\nTo: <sip:b>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n\r\n"))
	f.Add([]byte("INVITE  sip:a SIP/2.0\r\nv: SIP/2.0/UDP a\r\n\r\n"))
	limits := Config{}.withDefaults().Limits
	parser := newParser(65535)
	f.Fuzz(func(t *testing.T, data []byte) {
		what, status := precheck(data, limits, false)
		switch what {
		case pass:
			if _, err := parser.ParseSIP(data); err != nil && data[0] != 'S' {
				t.Errorf("%q passes, but: %v", data, err)
			}
		case reject:
			if answer := rawResponse(data, status, "tag"); answer != nil {
				if what, _ := precheck(answer, limits, false); what != pass {
					t.Errorf("%q is answered with %q", data, answer)
				}
			}
		case drop:
		}
	})
}
