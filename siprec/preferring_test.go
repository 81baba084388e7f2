package siprec

import (
	"slices"
	"testing"

	"github.com/parley-sip/parley/codecs"
)

func TestPreferring(t *testing.T) {
	list := []codecs.Codec{codecs.PCMA, codecs.PCMU, codecs.Opus}
	for first, want := range map[codecs.Codec][]codecs.Codec{
		codecs.None: {codecs.PCMA, codecs.PCMU, codecs.Opus},
		codecs.PCMA: {codecs.PCMA, codecs.PCMU, codecs.Opus},
		codecs.PCMU: {codecs.PCMU, codecs.PCMA, codecs.Opus},
		codecs.Opus: {codecs.Opus, codecs.PCMA, codecs.PCMU},
		codecs.G722: {codecs.PCMA, codecs.PCMU, codecs.Opus},
	} {
		if got := Preferring(list, first); !slices.Equal(got, want) {
			t.Errorf("%v first: %v", first, got)
		}
	}
	if !slices.Equal(list, []codecs.Codec{codecs.PCMA, codecs.PCMU, codecs.Opus}) {
		t.Errorf("the list has changed: %v", list)
	}
}
