package control_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/internal/control"
)

// operation is a server with one of each, whose reload ends in err.
type operation struct {
	err    error
	banned netip.Addr
}

func (*operation) Trunks() []control.TrunkInfo {
	return []control.TrunkInfo{{Name: "carrier", URI: "sip:192.0.2.1", State: "registered", Since: control.Moment(time.Unix(1, 0)), RegisteredUntil: control.Moment(time.Unix(3601, 0))}}
}

func (*operation) Alarms() []control.AlarmInfo {
	return []control.AlarmInfo{{Name: "certificate", About: "sip.tls", Severity: "warning", Detail: "ends", Since: *control.Moment(time.Unix(1, 0))}}
}

func (*operation) AcknowledgeAlarm(name, about string, seen *control.AlarmSeen) (control.AlarmInfo, error) {
	if name != "certificate" || about != "sip.tls" {
		return control.AlarmInfo{}, fmt.Errorf("%w: %s", control.ErrNoAlarm, name)
	}
	return control.AlarmInfo{Name: name, About: about, Severity: "warning", Acknowledged: seen}, nil
}

func (o *operation) Bans() []control.BanInfo {
	if !o.banned.IsValid() {
		return []control.BanInfo{}
	}
	return []control.BanInfo{{Source: o.banned.String(), Until: *control.Moment(time.Unix(61, 0)), Times: 2}}
}

func (o *operation) Unban(source netip.Addr) bool {
	was := source == o.banned && source.IsValid()
	if was {
		o.banned = netip.Addr{}
	}
	return was
}

func (*operation) Connections() []control.ConnectionInfo {
	return []control.ConnectionInfo{{Transport: "tls", Local: "192.0.2.9:5061", Remote: "192.0.2.1:40000", OpenedBy: "peer", Names: []string{"pbx.example.com"}, Since: *control.Moment(time.Unix(1, 0))}}
}

func (o *operation) Reload(context.Context) ([]control.SettingInfo, error) {
	return []control.SettingInfo{{Key: "log.level", Old: "info", New: "debug"}}, o.err
}

func TestOperation(t *testing.T) {
	o := &operation{banned: netip.MustParseAddr("2001:db8::1")}
	b := newBench(t, benchConfig{control: control.Config{Operation: o}})
	for path, want := range map[string]string{
		"/trunks":      `[{"name":"carrier","uri":"sip:192.0.2.1","state":"registered","since":"1970-01-01T00:00:01.000Z","registered_until":"1970-01-01T01:00:01.000Z"}]`,
		"/alarms":      `[{"name":"certificate","about":"sip.tls","severity":"warning","detail":"ends","since":"1970-01-01T00:00:01.000Z"}]`,
		"/bans":        `[{"source":"2001:db8::1","until":"1970-01-01T00:01:01.000Z","times":2}]`,
		"/connections": `[{"transport":"tls","local":"192.0.2.9:5061","remote":"192.0.2.1:40000","opened_by":"peer","names":["pbx.example.com"],"since":"1970-01-01T00:00:01.000Z"}]`,
	} {
		if got := strings.TrimSpace(string(b.do("GET", "/api/v1"+path, "", 200).body)); got != want {
			t.Errorf("%s: %s", path, got)
		}
	}
	b.do("DELETE", "/api/v1/bans/192.0.2.1", "", 404)
	b.do("DELETE", "/api/v1/bans/me", "", 422)
	b.do("DELETE", "/api/v1/bans/2001:db8::1%2F64", "", 204)
	b.do("DELETE", "/api/v1/bans/2001:db8::1", "", 404)
	if got := string(b.do("POST", "/api/v1/reload", "", 200).body); !strings.Contains(got, `{"key":"log.level","old":"info","new":"debug"}`) {
		t.Error(got)
	}
	o.err = errors.Join(errors.New("parley.yml:3: first"), errors.New("parley.yml:9: second"))
	if got := string(b.do("POST", "/api/v1/reload", "", 422).body); !strings.Contains(got, "3: first") || !strings.Contains(got, "9: second") {
		t.Error(got)
	}
	o.err = fmt.Errorf("%w: media.ports", focus.ErrConflict)
	if got := string(b.do("POST", "/api/v1/reload", "", 409).body); !strings.Contains(got, "media.ports") {
		t.Error(got)
	}
	o.err = focus.ErrShutdown
	b.do("POST", "/api/v1/reload", "", 503)
}

// An alarm is acknowledged by who has the right to, with the name of his token.
func TestAlarmIsAcknowledged(t *testing.T) {
	b := newBench(t, benchConfig{control: control.Config{
		Operation: &operation{}, Tokens: []control.Token{{Name: "ops", Secret: "all"}, {Name: "wall", Secret: "read", ReadOnly: true}},
	}})
	const yes = `{"about":"sip.tls","acknowledged":true,"by":"Jane","note":"ordered"}`
	b.token = "read"
	b.do("PATCH", "/api/v1/alarms/certificate", yes, 403)
	b.token = "all"
	for _, part := range []string{`"token":"ops"`, `"by":"Jane"`, `"note":"ordered"`, `"at":"2`} {
		if got := string(b.do("PATCH", "/api/v1/alarms/certificate", yes, 200).body); !strings.Contains(got, part) {
			t.Errorf("%s has no %s", got, part)
		}
	}
	if got := string(b.do("PATCH", "/api/v1/alarms/certificate", `{"about":"sip.tls","acknowledged":false}`, 200).body); strings.Contains(got, "acknowledged") {
		t.Error(got)
	}
	b.do("PATCH", "/api/v1/alarms/certificate", `{"acknowledged":true}`, 404)
	b.do("PATCH", "/api/v1/alarms/certificate", `{"about":"sip.tls"}`, 422)
}

// The tokens of a reload hold from the next request on.
func TestTokensAreReplaced(t *testing.T) {
	b := newBench(t, benchConfig{control: control.Config{Tokens: []control.Token{{Name: "ops", Secret: "old"}}}})
	b.token = "old"
	b.do("GET", "/api/v1/conferences", "", 200)
	b.server.SetTokens([]control.Token{{Name: "ops", Secret: "new"}})
	b.do("GET", "/api/v1/conferences", "", 401)
	b.token = "new"
	b.do("GET", "/api/v1/conferences", "", 200)
}
