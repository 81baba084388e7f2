package config_test

import (
	"testing"

	"github.com/parley-sip/parley/internal/config"
)

// A persistent session can have its keys by handshakes.
func TestPersistentCanShakeHands(t *testing.T) {
	cfg, err := config.Parse("parley.yml", []byte(`
recording:
  servers:
    - {name: one, uri: "sip:srs@10.0.0.9;transport=tcp", persistent: 4, srtp: required, dtls: accept}
`), nil)
	if err != nil || cfg.Recording.Servers[0].DTLS != "accept" || cfg.Recording.Servers[0].Persistent != 4 {
		t.Errorf("%+v, %v", cfg, err)
	}
}

// Conferences that share a stream can be sealed.
func TestMergedCanBeSealed(t *testing.T) {
	cfg, err := config.Parse("parley.yml", []byte(`
recording:
  servers:
    - {name: one, uri: "sip:srs@10.0.0.9;transport=tcp", persistent: 4, merge: true}
  seal: {directory: /var/lib/parley/seals}
`), nil)
	if err != nil || !cfg.Recording.Servers[0].Merge || cfg.Recording.Seal.Directory == "" {
		t.Errorf("%+v, %v", cfg, err)
	}
}

// Conferences that share a stream can be kept by the spool, as it is said once for all, or for a conference.
func TestMergedCanBeSpooled(t *testing.T) {
	for _, policy := range []string{"", "\nconferences:\n  - {id: room, recording: {spool: true}}\n"} {
		cfg, err := config.Parse("parley.yml", []byte(`
recording:
  servers:
    - {name: one, uri: "sip:srs@10.0.0.9;transport=tcp", persistent: 4, merge: true}
  spool: {directory: /var/spool/parley, key: "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="}
`+policy), nil)
		if err != nil || !cfg.Recording.Servers[0].Merge || cfg.Recording.Spool.Directory == "" {
			t.Errorf("%+v, %v", cfg, err)
		}
	}
}
