package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/parley-sip/parley/internal/config"
)

// deployed gives a file that operators are given.
func deployed(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "deploy", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestSampleConfigurationsAreValid(t *testing.T) {
	for _, name := range []string{"parley.yml", "srs.yml"} {
		var out, complaints bytes.Buffer
		if status := run(t.Context(), []string{"check", "-c", filepath.Join("..", "..", "deploy", name)}, &out, &complaints); status != exitDone {
			t.Errorf("%s: %s", name, &complaints)
		}
	}
}

// systemd itself says whether the units are right, and how exposed what they run is: 10 is unconfined, 2.0 is what the restrictions leave.
func TestUnitsAreRightAndConfined(t *testing.T) {
	for _, name := range []string{"parley.service", "parley-srs.service"} {
		unit := deployed(t, filepath.Join("systemd", name))
		file := filepath.Join(t.TempDir(), name)
		unit = bytes.ReplaceAll(unit, []byte("/usr/bin/parley "), []byte("/bin/true ")) // it is not installed here
		if err := os.WriteFile(file, unit, 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.CommandContext(t.Context(), "systemd-analyze", "verify", "--man=no", file).CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
		security := exec.CommandContext(t.Context(), "systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager", file)
		if out, err := security.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
		if bytes.Contains(unit, []byte("RestrictRealtime=yes")) {
			t.Errorf("%s: threads that mix are real-time threads", name)
		}
	}
}

// selector is a metric with its labels in an expression.
var selector = regexp.MustCompile(`\b((?:parley|process|go)_\w+)(?:\{([^}]*)\})?`)

func TestAlertsAreOfMetricsThatAreServed(t *testing.T) {
	var rules struct {
		Groups []struct {
			Rules []struct {
				Alert, Expr         string
				Labels, Annotations map[string]string
			}
		}
	}
	if err := yaml.Unmarshal(deployed(t, "prometheus/parley.rules.yml"), &rules); err != nil {
		t.Fatal(err)
	}
	served, alerts := scraped(t), 0
	for _, group := range rules.Groups {
		for _, rule := range group.Rules {
			alerts++
			if a := rule.Annotations; a["summary"] == "" || a["description"] == "" || !slices.Contains([]string{"critical", "warning"}, rule.Labels["severity"]) {
				t.Errorf("%s: wants a summary, a description and a severity", rule.Alert)
			}
			for _, use := range selector.FindAllStringSubmatch(rule.Expr, -1) {
				checkSelector(t, rule.Alert, served, use[1], use[2])
			}
		}
	}
	if alerts < 29 {
		t.Errorf("%d alerts", alerts)
	}
}

// The dashboard asks for what is served, and each panel has its place.
func TestDashboardIsOfMetricsThatAreServed(t *testing.T) {
	type place struct{ X, Y, W, H int }
	var board struct {
		SchemaVersion int
		Panels        []struct {
			ID          int
			Title, Type string
			GridPos     place
			Targets     []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(deployed(t, "grafana/parley.json"), &board); err != nil {
		t.Fatal(err)
	}
	served, asked := scraped(t), 0
	taken := map[[2]int]string{}
	for _, panel := range board.Panels {
		for x := panel.GridPos.X; x < panel.GridPos.X+panel.GridPos.W; x++ {
			for y := panel.GridPos.Y; y < panel.GridPos.Y+panel.GridPos.H; y++ {
				if other, twice := taken[[2]int{x, y}]; twice || x >= 24 {
					t.Fatalf("%s: has no place of its own at %d, %d %s", panel.Title, x, y, other)
				}
				taken[[2]int{x, y}] = panel.Title
			}
		}
		for _, target := range panel.Targets {
			for _, use := range selector.FindAllStringSubmatch(target.Expr, -1) {
				checkSelector(t, panel.Title, served, use[1], use[2])
				asked++
			}
		}
	}
	if board.SchemaVersion == 0 || asked < 40 {
		t.Errorf("schema %d, %d metrics", board.SchemaVersion, asked)
	}
}

// checkSelector wants one line of what is served to be of the metric and to have all the labels. job and instance are added by
// Prometheus, and a label that is matched in another way than by equality has to be there, with whatever value.
func checkSelector(t *testing.T, alert, served, metric, labels string) {
	t.Helper()
	var wanted []string
	for label := range strings.SplitSeq(labels, ",") {
		name, _, _ := strings.Cut(strings.NewReplacer("!=", "=", "=~", "=", "!~", "=").Replace(label), "=")
		switch {
		case name == "", name == "job", name == "instance":
		case strings.HasPrefix(label, name+`="`):
			wanted = append(wanted, label)
		default:
			wanted = append(wanted, name+`="`)
		}
	}
	for line := range strings.Lines(served) {
		name, _, _ := strings.Cut(strings.ReplaceAll(line, "{", " "), " ")
		if name == metric && !slices.ContainsFunc(wanted, func(label string) bool { return !strings.Contains(line, label) }) {
			return
		}
	}
	t.Errorf("%s: no server serves %s{%s}", alert, metric, labels)
}

// scraped is what /metrics of a server with a bit of everything gives.
func scraped(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "parley.yml")
	cert, key := selfSigned(t)
	text := `sip: {listen: ["udp://127.0.0.1:0"], tls: {cert: ` + cert + `, key: ` + key + `}, trunks: [{name: pbx, uri: "sip:127.0.0.1:9;transport=tcp", keepalive: 1m}]}
srs: {listen: ["udp://127.0.0.1:0"], directory: ` + dir + `}
recording: {spool: {directory: ` + dir + `/spool, key: MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=}}
events: {webhooks: [{name: crm, url: "http://127.0.0.1:9/", secret: "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="}]}
http: {listen: "127.0.0.1:0"}
`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := start(t.Context(), &cfg, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close(t.Context()) //nolint:errcheck // nothing goes on
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		if text := fetched(t, "http://"+s.control.Addr()+"/metrics"); strings.Contains(text, "parley_trunk_up") { // it has been asked by then
			return text
		}
		<-again.C
	}
}

func fetched(t *testing.T, address string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close() //nolint:errcheck // read only
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// Prometheus itself says that each alert fires when it is to, and that it does not otherwise.
func TestAlertsFire(t *testing.T) {
	var tests struct {
		Tests []struct {
			PromqlExprTest []struct {
				Expr       string
				ExpSamples []struct{ Labels string } `yaml:"exp_samples"`
			} `yaml:"promql_expr_test"`
		}
	}
	if err := yaml.Unmarshal(deployed(t, "prometheus/parley.rules.test.yml"), &tests); err != nil {
		t.Fatal(err)
	}
	cases := map[string][2]bool{} // whether there is one in which it is quiet, and one in which it fires
	for _, test := range tests.Tests {
		for _, wanted := range test.PromqlExprTest {
			name, _, _ := strings.Cut(strings.TrimPrefix(wanted.Expr, `ALERTS{alertname="`), `"`)
			have := cases[name]
			if len(wanted.ExpSamples) == 0 {
				have[0] = true
			} else {
				have[1] = true
			}
			cases[name] = have
		}
	}
	for _, alert := range regexp.MustCompile(`(?m)^ +- alert: (\w+)$`).FindAllSubmatch(deployed(t, "prometheus/parley.rules.yml"), -1) {
		if cases[string(alert[1])] != [2]bool{true, true} {
			t.Errorf("%s: wants a case in which it fires and one in which it does not", alert[1])
		}
	}
	for _, arguments := range [][]string{{"check", "rules", "parley.rules.yml"}, {"test", "rules", "parley.rules.test.yml"}} {
		command := exec.CommandContext(t.Context(), "promtool", arguments...)
		command.Dir = filepath.Join("..", "..", "deploy", "prometheus")
		if out, err := command.CombinedOutput(); err != nil {
			t.Errorf("promtool %v: %v\n%s", arguments, err, out)
		}
	}
}
