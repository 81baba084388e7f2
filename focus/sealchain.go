package focus

import (
	"log/slog"
	"sync"
	"time"

	"github.com/parley-sip/parley/siprec"
	"github.com/parley-sip/parley/siprec/seal"
)

// sealChain are the manifests of a dialog with several recordings in it: each names the one before it, so that none can be taken away unseen. Its
// methods may be called by any goroutine.
type sealChain struct {
	mu   sync.Mutex
	last seal.Link // that was sealed
	hash string    // of its manifest
}

// seal signs and keeps a manifest, behind those before it. What is not a part of a session has no chain, which is nil.
func (c *sealChain) seal(by Sealer, m seal.Manifest) ([]byte, error) {
	if c == nil {
		return by.Seal(m)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.add(by, m, false)
}

func (c *sealChain) add(by Sealer, m seal.Manifest, last bool) ([]byte, error) {
	link := seal.Link{Number: c.last.Number + 1, Previous: c.hash, Last: last}
	m.Chain = &link
	signed, err := by.Seal(m)
	if err == nil {
		c.last, c.hash = link, seal.HashOf(signed)
	}
	return signed, err
}

// end seals that there are no more, where there has been one; nil: nothing is to be sent.
func (c *sealChain) end(f *Focus, m seal.Manifest) []byte {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last.Number == 0 {
		return nil
	}
	signed, err := c.add(f.sealer, m, true)
	if err != nil {
		f.log.Error("the end of a recording session cannot be sealed", slog.String("server", m.Server), slog.Any("error", err))
		if h := f.hooks.RecordingFailure; h != nil {
			h(m.Server, "seal")
		}
		return nil
	}
	return signed
}

// farewell is the BYE of a session that nobody is recorded in any more: it says how many manifests there have been. One that is lost ends without,
// as what was recorded in it to its end is kept here only. mu is held; what is returned is called without it.
func (h *persistent) farewell(m siprec.Message) func() siprec.Message {
	chain, over := h.chain, h.stopping && len(h.leases) == 0
	manifest := seal.Manifest{
		Server: h.server.Name, CallID: h.callID, Started: h.began.UTC(), Streams: []seal.Stream{}, Documents: []seal.Document{}, Part: true,
	}
	return func() siprec.Message {
		if !over {
			return m
		}
		manifest.Ended = time.Now().UTC()
		signed := chain.end(h.focus, manifest)
		if signed == nil || h.server.Profile.OmitSeal {
			return m
		}
		return withSeal(m, signed)
	}
}
