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
)

// The recorder alone has an API and metrics of its own when it is told where.
func TestRecorderAlone(t *testing.T) {
	directory := t.TempDir()
	file := filepath.Join(directory, "parley.yml")
	text := `srs: {listen: ["udp://127.0.0.1:0"], directory: ` + directory + `/r, http_listen: "127.0.0.1:0"}` + "\nhttp: {tokens: [{name: x, token: secret}]}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	out, in := io.Pipe()
	ended := make(chan int, 1)
	go func() { ended <- run(ctx, []string{"srs", "-c", file}, in, io.Discard) }()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
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
	cancel()
	if status := <-ended; status != exitDone {
		t.Errorf("exit status %d", status)
	}
}
