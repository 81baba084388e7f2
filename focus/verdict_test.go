package focus

import "testing"

// What became of a copy, from what was counted.
func TestVerdict(t *testing.T) {
	for _, c := range []struct {
		copy copyAccount
		want string
	}{
		{copyAccount{}, "missing"},
		{copyAccount{acknowledged: map[string]bool{"a": false}}, "missing"},
		{copyAccount{acknowledged: map[string]bool{"a": true}}, "complete"}, // over before there was anything to record
		{copyAccount{acknowledged: map[string]bool{"a": true}, lost: 1}, "missing"},
		{copyAccount{sent: map[string]uint64{"a": 5}}, "complete"},
		{copyAccount{sent: map[string]uint64{"a": 5}, lost: 1}, "partial"},
		{copyAccount{spooled: 5, delivered: 4}, "pending"},
		{copyAccount{spooled: 5, delivered: 5}, "complete"},
	} {
		if got := c.copy.verdict(); got != c.want {
			t.Errorf("%+v: %s, want %s", c.copy, got, c.want)
		}
	}
}
