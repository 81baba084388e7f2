package srs

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/sipua"
	"github.com/parley-sip/parley/siprec"
)

// In strict mode a client learns what is wrong with it, all at once; a right one is recorded.
func TestStrict(t *testing.T) {
	t.Parallel()
	for _, strict := range []bool{true, false} {
		server := startServer(t, Config{Codecs: []codecs.Codec{codecs.PCMA}, Strict: strict})
		c := newClient(t, server)
		good := newVoice(t, "1", codecs.PCMA, 400)
		document := siprec.Marshal(siprec.Document(roster(time.Now(), "Alice")), "")
		offer := c.describe(good)
		for name, x := range map[string]struct {
			sdp, xml []byte
			says     []string
		}{
			"right":        {offer, document, nil},
			"sendrecv":     {bytes.ReplaceAll(offer, []byte("a=sendonly"), []byte("a=sendrecv")), document, []string{"m-line 1 is sendrecv"}},
			"no label":     {bytes.ReplaceAll(offer, []byte("a=label:1\r\n"), nil), document, []string{"m-line 1 has no label", "unknown-label"}},
			"other labels": {bytes.ReplaceAll(offer, []byte("a=label:1\r\n"), []byte("a=label:7\r\n")), document, []string{"unknown-label", "orphan-label"}},
		} {
			contentType, body := siprec.BuildMultipart([]siprec.Part{
				{ContentType: "application/sdp", Body: x.sdp}, {ContentType: siprec.MetadataType, Disposition: siprec.Disposition, Body: x.xml},
			})
			_, err := c.invite(c.call("tcp", contentType, body))
			var refusal *sipua.StatusError
			refused := errors.As(err, &refusal)
			if refused != (strict && len(x.says) > 0) || !refused && err != nil {
				t.Errorf("strict %v, %s: %v", strict, name, err)
			}
			if refused {
				warnings := strings.Join(refusal.Response.Headers.List("Warning"), "\n")
				for _, want := range x.says {
					if refusal.Response.Status != 400 || !strings.Contains(warnings, want) {
						t.Errorf("%s: %d %s", name, refusal.Response.Status, warnings)
					}
				}
			} else if err := c.dialog.Bye(t.Context()); err != nil {
				t.Error(err)
			}
			if !refused {
				<-c.ended
			}
		}
	}
}
