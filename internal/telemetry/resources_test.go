package telemetry_test

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/parley-sip/parley/internal/telemetry"
)

func TestResources(t *testing.T) {
	for name, want := range map[string]struct {
		resources telemetry.Resources
		lines     []string
		none      string
	}{
		"all": {
			telemetry.Resources{
				Spool: &telemetry.Spool{Oldest: time.Minute, Free: 7}, Certificates: []telemetry.Certificate{{Name: "sip.trunks[pbx]", NotAfter: time.Unix(1234, 0)}},
				Threads: &telemetry.Threads{RealTime: 3, Ordinary: 1}, Ports: &telemetry.Ports{Free: 8, All: 9, Refused: 2},
			},
			[]string{
				"parley_recording_spool_oldest_seconds 60", "parley_recording_spool_free_bytes 7", `parley_certificate_expiry_timestamp_seconds{certificate="sip.trunks[pbx]"} 1234`,
				`parley_mixer_threads{class="realtime"} 3`, `parley_mixer_threads{class="ordinary"} 1`, "parley_media_ports_free 8", "parley_media_ports 9", "parley_media_ports_exhausted_total 2",
			},
			"no such thing",
		},
		"none": {telemetry.Resources{}, nil, "parley_recording_spool_free_bytes"}, // which would be no room
	} {
		m := telemetry.New()
		m.CollectResources(func() telemetry.Resources { return want.resources })
		w := httptest.NewRecorder()
		m.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "/metrics", nil))
		for _, line := range want.lines {
			if !strings.Contains(w.Body.String(), line+"\n") {
				t.Errorf("%s: missing: %s", name, line)
			}
		}
		if strings.Contains(w.Body.String(), want.none) {
			t.Errorf("%s: there is %s", name, want.none)
		}
	}
}
