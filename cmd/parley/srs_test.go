package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/parley-sip/parley/internal/config"
)

// The recorder alone has an API and metrics of its own when it is told where.
func TestRecorderAlone(t *testing.T) {
	directory := t.TempDir()
	file := filepath.Join(directory, "parley.yml")
	text := `srs: {listen: ["udp://127.0.0.1:0"], directory: ` + directory + `/r, http_listen: "127.0.0.1:0"}` + "\nhttp: {tokens: [{name: x, token: secret}]}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	line, end := runRecorder(t, file)
	base := regexp.MustCompile(`http://[0-9.:]+`).FindString(line)
	for path, want := range map[string]string{"/api/v1/srs/recordings": "[]", "/metrics": "parley_srs_disk_free_bytes", "/api/v1/srs/status": `"disk_low":false`} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer secret")
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		content, _ := io.ReadAll(response.Body)
		if err := response.Body.Close(); err != nil || response.StatusCode != http.StatusOK || !strings.Contains(string(content), want) {
			t.Errorf("%s: %d %s %v", path, response.StatusCode, content, err)
		}
	}
	end()
}

// runRecorder runs the recorder alone, and gives what it says when it is ready, and what ends it.
func runRecorder(t *testing.T, file string) (line string, end func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	out, in := io.Pipe()
	ended := make(chan int, 1)
	go func() { ended <- run(ctx, []string{"srs", "-c", file}, in, io.Discard) }()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	return line, func() {
		t.Helper()
		cancel()
		if status := <-ended; status != exitDone {
			t.Errorf("exit status %d", status)
		}
	}
}

// TestPageOfTheRecorderAlone: its address shows what it records and has recorded, says how it is, and offers nothing of conferences.
func TestPageOfTheRecorderAlone(t *testing.T) {
	directory := t.TempDir()
	file := filepath.Join(directory, "parley.yml")
	text := `srs: {listen: ["udp://127.0.0.1:0", "tcp://127.0.0.1:0"], directory: ` + directory + `/r, http_listen: "127.0.0.1:0"}` + "\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	line, end := runRecorder(t, file)
	defer end()
	b := openBrowser(t)
	b.open(regexp.MustCompile(`http://[0-9.:]+`).FindString(line) + "/")
	b.until("it is live, at recordings", `document.body.dataset.live === "live" && location.hash === "#/recordings"`)
	b.until("there are none", `document.querySelector(".recorded .empty").textContent === "Nothing is recorded yet."`)
	b.until("how it is", `document.querySelector(".recorded .facts").textContent.startsWith("0 recordings and 0 streams go on")`)
	if shown := b.value(`[...document.querySelectorAll("nav a")].filter((a) => a.offsetParent).map((a) => a.textContent).join(" ")`); shown != "Recordings API" {
		t.Errorf("it offers %v", shown)
	}
	s := pageService(t, func(cfg *config.Config) {
		cfg.SRS.Enabled = false
		cfg.Recording.Servers = []config.RecordingServer{{Name: "afar", URI: "sip:srs@" + regexp.MustCompile(`tcp:([0-9.:]+)`).FindStringSubmatch(line)[1] + ";transport=tcp"}}
	})
	recordBriefly(t, s)
	b.click(".recorded tbody a")
	b.until("it is there", `document.querySelector(".recorded > .labels")?.textContent.includes("finished")`)
	b.click("button.play")
	b.until("it plays", `document.querySelector("audio").currentTime > 0`)
	b.press(".recorded .actions", "Hold")
	b.until("it is held", `document.querySelector(".recorded > .labels").textContent.includes("held")`)
	if said := b.value(`document.getElementById("toasts").innerText`); said != "" {
		t.Errorf("it says %q", said)
	}
}
