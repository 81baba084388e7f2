package srs

import (
	"bytes"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
)

// Clients are asked for longer packets where the payloads of a packet are one after the other, as far as they fit into one.
func TestPacketTime(t *testing.T) {
	for _, c := range []struct {
		codec      codecs.Codec
		wish, want time.Duration
	}{
		{codecs.PCMU, 0, 40 * time.Millisecond},
		{codecs.PCMA, 60 * time.Millisecond, 60 * time.Millisecond},
		{codecs.G722, 20 * time.Millisecond, 20 * time.Millisecond},
		{codecs.G722, 10 * time.Millisecond, 10 * time.Millisecond},
		{codecs.Opus, 60 * time.Millisecond, 20 * time.Millisecond},
		{codecs.L16At16000, 60 * time.Millisecond, 20 * time.Millisecond},
		{codecs.L16At48000, 40 * time.Millisecond, 10 * time.Millisecond},
	} {
		cfg := Config{Directory: t.TempDir(), PacketTime: c.wish}
		if err := cfg.Validate(); err != nil {
			t.Fatal(err)
		}
		cfg = cfg.withDefaults()
		if got := cfg.packetTime(c.codec); got != c.want {
			t.Errorf("%v with %v: asks for %v, want %v", c.codec, c.wish, got, c.want)
		}
	}
	for _, wrong := range []time.Duration{5 * time.Millisecond, 25 * time.Millisecond, 70 * time.Millisecond, -40 * time.Millisecond} {
		if (Config{Directory: t.TempDir(), PacketTime: wrong}).Validate() == nil {
			t.Errorf("%v is taken", wrong)
		}
	}
}

// The answer asks for them.
//
// Shows SR-SDP-16.
func TestAnswerAsksForLongerPackets(t *testing.T) {
	t.Parallel()
	server := startServer(t, Config{})
	c := newClient(t, server)
	response, err := c.invite(c.call("udp", "application/sdp", c.describe(newVoice(t, "1", codecs.PCMA, 400), newVoice(t, "2", codecs.Opus, 400))))
	if err != nil {
		t.Fatal(err)
	}
	media := bytes.Split(response.Body, []byte("m="))
	if len(media) != 3 || !bytes.Contains(media[1], []byte("a=ptime:40\r\n")) || !bytes.Contains(media[2], []byte("a=ptime:20\r\n")) {
		t.Errorf("answer:\n%s", response.Body)
	}
}
