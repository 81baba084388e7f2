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
