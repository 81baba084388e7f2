package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/internal/config"
)

// kamailioConfig is a registrar and proxy that wants a password for both.
const kamailioConfig = `#!KAMAILIO
debug=1
log_stderror=yes
children=2
auto_aliases=no
disable_tcp=yes
listen=udp:127.0.0.1:%[1]d
mpath="%[2]s"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "auth.so"
modparam("usrloc", "db_mode", 0)
modparam("registrar", "gruu_enabled", 0)
request_route {
	if (!mf_process_maxfwd_header("10")) { sl_send_reply("483", "Too Many Hops"); exit; }
	if (has_totag()) {
		if (loose_route()) { t_relay(); exit; }
		if (is_method("ACK")) { if (t_check_trans()) { t_relay(); } exit; }
		sl_send_reply("404", "Not Here"); exit;
	}
	if (is_method("CANCEL")) { if (t_check_trans()) { t_relay(); } exit; }
	if (is_method("ACK")) { t_check_trans(); exit; }
	if (is_method("REGISTER")) {
		if (!pv_www_authenticate("pbx.test", "s3cret", "0")) { www_challenge("pbx.test", "0"); exit; }
		if ($au != $tU) { sl_send_reply("403", "Not Yours"); exit; }
		save("location");
		exit;
	}
	if (is_method("INVITE") && $fU == "442000") {
		if (!pv_proxy_authenticate("pbx.test", "s3cret", "0")) { proxy_challenge("pbx.test", "0"); exit; }
		consume_credentials();
	}
	if (is_method("INVITE")) { record_route(); }
	if (!lookup("location")) { sl_send_reply("404", "Not Found"); exit; }
	t_relay();
}
`

// kamailio starts a proxy that ends with the test, and gives its port.
func kamailio(t *testing.T) int {
	t.Helper()
	modules, err := filepath.Glob("/usr/lib/*/kamailio/modules")
	if err != nil {
		t.Fatal(err)
	}
	modules = append(modules, "/usr/lib/kamailio/modules")
	dir, err := os.MkdirTemp("", "parley-pbx") //nolint:usetesting // its sockets want a short name
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	port := freePort(t)
	file := filepath.Join(dir, "kamailio.cfg")
	if err := os.WriteFile(file, fmt.Appendf(nil, kamailioConfig, port, modules[0]+"/"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	command := exec.CommandContext(ctx, "kamailio", "-f", file, "-DD", "-E", "-m", "64", "-M", "8", "-w", dir, "-Y", dir)
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	command.WaitDelay = 5 * time.Second
	command.Env = append(os.Environ(), "PATH="+os.Getenv("PATH")+":/usr/sbin")
	if path, err := exec.LookPath("/usr/sbin/kamailio"); err == nil {
		command.Path, command.Err = path, nil
	}
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, &out
	if err := command.Start(); err != nil {
		t.Fatal("kamailio (Debian package kamailio):", err)
	}
	t.Cleanup(func() {
		cancel()
		_ = command.Wait() // ended by us
		if t.Failed() {
			t.Logf("kamailio:\n%s", out.String())
		}
	})
	return port
}

// TestTrunkToKamailio: the server registers with a PBX that is not of its kind, is called by it, and calls by it, with a password each time. A call of
// the PBX to the URI of a conference comes to that conference, once.
//
// Shows FO-ID-02, FO-OUT-05.
func TestTrunkToKamailio(t *testing.T) {
	port := kamailio(t)
	s := testService(t, func(cfg *config.Config) {
		cfg.SIP.Trunks = []config.Trunk{{
			Name: "pbx", URI: fmt.Sprintf("sip:127.0.0.1:%d", port), Username: "442000", Password: "s3cret", Register: true, Numbers: []string{"44*"},
		}}
	})
	waitFor(t, "the registration", func() bool { return s.Trunks()[0].State == "registered" })
	if until := s.Trunks()[0].RegisteredUntil; until == nil || time.Until(time.Time(*until)) < time.Minute {
		t.Errorf("registered until %v", until)
	}
	phone := testPhone(t, "alice")
	if err := phone.Call(t.Context(), fmt.Sprintf("sip:442000@127.0.0.1:%d", port)); err != nil {
		t.Fatal("a call by the PBX:", err)
	}
	waitFor(t, "alice", func() bool { return present(s, "442000") == 1 })
	if _, err := s.focus.Create(t.Context(), focus.ConferenceConfig{ID: "out"}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.focus.Dial(t.Context(), "out", "sip:442000@pbx"); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the call by the trunk", func() bool { return present(s, "out") == 1 && present(s, "442000") == 2 })
	if err := phone.Hangup(t.Context()); err != nil {
		t.Error("BYE by the PBX:", err)
	}
	waitFor(t, "alice's end", func() bool { return present(s, "442000") == 1 })
}

func present(s *service, id string) int {
	for _, state := range s.focus.Conferences() {
		if string(state.ID) == id {
			return state.PresentCount()
		}
	}
	return 0
}
