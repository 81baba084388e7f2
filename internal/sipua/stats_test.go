package sipua

import (
	"reflect"
	"testing"
)

func TestStatsCountMessagesByMethodAndStatus(t *testing.T) {
	agent := startAgent(t, Config{Listen: []string{"udp://127.0.0.1:0"}}, newRecorder())
	p := dialPhone(t, agent, "udp")
	p.send(p.render(p.form("OPTIONS")))
	p.expect("SIP/2.0 200")
	for _, method := range []string{"BREW", "WHEN"} {
		p.send(p.render(p.form(method)))
		p.expect("SIP/2.0 ")
	}
	p.send("OPTIONS sip: SIP/2.0\r\nVia: SIP/2.0/UDP " + p.addr().String() + ";branch=z9hG4bKx\r\n\r\n")
	p.expect("SIP/2.0 400")
	// A response is counted when it has been sent, so that it may come before.
	want := map[ResponseKind]uint64{{"OPTIONS", 200}: 1, {"other", 501}: 2, {"other", 400}: 1}
	eventually(t, "all responses to be counted once", func() bool { return reflect.DeepEqual(agent.Stats().Responses, want) })
	stats := agent.Stats()
	if want := map[string]uint64{"OPTIONS": 1, "other": 2}; !reflect.DeepEqual(stats.Requests, want) {
		t.Errorf("requests %v, want %v", stats.Requests, want)
	}
	stats.Requests["OPTIONS"]++ // a copy
	if again := agent.Stats(); again.Requests["OPTIONS"] != 1 {
		t.Error("the counters are handed out")
	}
}
