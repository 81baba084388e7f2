package focus

import (
	"testing"
	"time"

	"github.com/parley-sip/parley/internal/media"
)

func TestParseInfo(t *testing.T) {
	const ms = time.Millisecond
	tests := map[string]struct {
		kind, body string
		want       media.Digit
		ok         bool
	}{
		"relay":          {dtmfRelayType, "Signal=5\r\nDuration=160\r\n", media.Digit{Key: '5', Duration: 160 * ms}, true},
		"blanks":         {dtmfRelayType, "signal = # \nduration = 90", media.Digit{Key: '#', Duration: 90 * ms}, true},
		"no duration":    {dtmfRelayType, "Signal=*", media.Digit{Key: '*', Duration: infoDuration}, true},
		"code":           {dtmfRelayType, "Signal=11\nDuration=100", media.Digit{Key: '#', Duration: 100 * ms}, true},
		"endless":        {dtmfRelayType, "Signal=1\nDuration=65000", media.Digit{Key: '1', Duration: maxInfoDuration}, true},
		"plain":          {dtmfType, "7\r\n", media.Digit{Key: '7', Duration: infoDuration}, true},
		"small letter":   {dtmfType, "d", media.Digit{Key: 'D', Duration: infoDuration}, true},
		"no signal":      {dtmfRelayType, "Duration=160", media.Digit{}, false},
		"hook flash":     {dtmfRelayType, "Signal=16", media.Digit{}, false},
		"not a key":      {dtmfType, "x", media.Digit{}, false},
		"signed":         {dtmfType, "+1", media.Digit{}, false},
		"several digits": {dtmfType, "123", media.Digit{}, false},
	}
	for name, test := range tests {
		got, ok := parseInfo(test.kind, test.body)
		if ok != test.ok || ok && got != test.want {
			t.Errorf("%s: %+v %v, want %+v %v", name, got, ok, test.want, test.ok)
		}
	}
}
