package seal_test

import (
	"crypto/ed25519"
	"slices"
	"strings"
	"testing"

	"github.com/parley-sip/parley/siprec/seal"
)

// chained seals the manifests of a session with three recordings, and the one that says that it is over.
func chained(t *testing.T, callID string) (list []seal.Linked) {
	t.Helper()
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	link := seal.Link{}
	for n := 1; n <= 4; n++ {
		link.Number, link.Last = n, n == 4
		m := seal.Manifest{CallID: callID, Part: true, Chain: &link}
		signed, err := seal.Sign(m, key)
		if err != nil {
			t.Fatal(err)
		}
		if m, err = seal.Verify(append(signed, '\n'), key.Public().(ed25519.PublicKey)); err != nil { //nolint:forcetypeassert // it is one
			t.Fatal(err)
		}
		list = append(list, seal.NewLinked(append(signed, '\n'), &m)) // as an editor may leave it
		link.Previous = seal.HashOf(signed)
	}
	return list
}

// What is taken away of the manifests of a session is missed, whichever it is; what does not belong there is told; their order on the disk does not count.
func TestBreaks(t *testing.T) {
	without := func(list []seal.Linked, remove ...int) (rest []seal.Linked) {
		for i, l := range list {
			if !slices.Contains(remove, i+1) {
				rest = append(rest, l)
			}
		}
		return rest
	}
	whole, other := chained(t, "a"), chained(t, "b")
	unchained := seal.NewLinked([]byte("sealed"), &seal.Manifest{})
	backwards := slices.Clone(whole)
	slices.Reverse(backwards)
	for name, c := range map[string]struct {
		list    []seal.Linked
		ongoing bool
		breaks  []string
		missing bool
		at      []int // where they are found, if it is said
	}{
		"all":                        {list: whole},
		"all, in any order":          {list: backwards},
		"all, one of them twice":     {list: append(slices.Clone(whole), whole[1])},
		"of earlier versions":        {list: []seal.Linked{unchained, unchained}},
		"none":                       {},
		"without the first":          {list: without(whole, 1), breaks: []string{"number 1 is missing"}, missing: true},
		"without the second":         {list: without(whole, 2), breaks: []string{"number 2 is missing"}, missing: true},
		"without the third":          {list: without(whole, 3), breaks: []string{"number 3 is missing"}, missing: true},
		"without the last":           {list: without(whole, 4), breaks: []string{"without its last"}, missing: true},
		"only the last":              {list: whole[3:], breaks: []string{"number 1 to 3 are missing"}, missing: true},
		"first and last":             {list: without(whole, 2, 3), breaks: []string{"number 2 to 3 are missing"}, missing: true},
		"without two ends":           {list: without(whole, 1, 4), breaks: []string{"number 1 is missing", "without its last"}, missing: true, at: []int{0, 1}},
		"backwards without the last": {list: backwards[1:], breaks: []string{"without its last"}, missing: true, at: []int{0}},
		"so far":                     {list: whole[:2], ongoing: true},
		"so far, without one":        {list: whole[1:2], ongoing: true, breaks: []string{"number 1 is missing"}, missing: true},
		"one of another session":     {list: append(without(whole, 2), other[1]), breaks: []string{"behind another one", "behind another one"}},
		"a fourth after the last":    {list: append(without(whole, 1, 2, 3), seal.Linked{Link: &seal.Link{Number: 5}}), breaks: []string{"1 to 3 are missing", "after the last one", "without its last"}},
		"two with a number":          {list: append(slices.Clone(whole), other[1]), breaks: []string{"not the only number 2", "behind another one"}, at: []int{4, 2}},
		"one without":                {list: append(slices.Clone(whole), unchained), breaks: []string{"no place"}, at: []int{4}},
		"number 0":                   {list: []seal.Linked{{Link: &seal.Link{}, Hash: "x"}}, ongoing: true, breaks: []string{"not the only number 0"}},
		"a first one behind another": {list: []seal.Linked{{Link: &seal.Link{Number: 1, Previous: "x"}, Hash: "y"}}, ongoing: true, breaks: []string{"behind another one"}},
	} {
		t.Run(name, func(t *testing.T) {
			found := seal.Breaks(c.list, !c.ongoing)
			if len(found) != len(c.breaks) {
				t.Fatalf("%+v", found)
			}
			for i, b := range found {
				if !strings.Contains(b.Text, c.breaks[i]) || c.missing && !b.Missing || b.At < 0 || b.At >= len(c.list) || c.at != nil && b.At != c.at[i] {
					t.Errorf("%+v", b)
				}
			}
			if altered := slices.ContainsFunc(found, func(b seal.Break) bool { return !b.Missing }); altered == (c.missing || len(c.breaks) == 0) {
				t.Errorf("%+v", found)
			}
		})
	}
}
