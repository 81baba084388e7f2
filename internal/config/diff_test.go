package config_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/parley-sip/parley/internal/config"
)

func TestDiff(t *testing.T) {
	const before = `
log: {level: info}
sip:
  users: [{username: alice, password: first}, {username: bob, password: same}]
  trunks: [{name: carrier, uri: "sip:a.example.com"}]
media: {ports: [20000, 20100], srtp: optional}
events: {webhooks: [{name: crm, url: "https://user:hidden@a.example/hidden", secret: hidden}]}
conferences: [{id: "1", name: one}, {id: "2"}]
http: {tokens: [{name: ops, token: hidden-one}]}
`
	for title, test := range map[string]struct {
		change func(string) string
		want   []string
		fixed  []string
	}{
		"nothing": {func(s string) string { return s }, nil, nil},
		"a level": {replace("info", "debug"), []string{"log.level: info -> debug"}, nil},
		"a password": {
			replace("first", "second"), []string{"sip.users[alice].password: [secret] -> [secret]"}, nil,
		},
		"a user less": {
			replace("{username: alice, password: first}, ", ""), []string{"sip.users[alice] removed"}, nil,
		},
		"a user more": {
			replace("{username: bob", "{username: carol, password: x}, {username: bob"), []string{"sip.users[carol] added"}, nil,
		},
		"a trunk elsewhere": {replace("a.example", "b.example"), []string{"sip.trunks[carrier].uri: sip:a.example.com -> sip:b.example.com"}, nil},
		"a name":            {replace("name: one", "name: uno"), []string{"conferences[1].name: one -> uno"}, nil},
		"an order": {
			replace(`{id: "1", name: one}, {id: "2"}`, `{id: "2"}, {id: "1", name: one}`), []string{"conferences: 1, 2 -> 2, 1"}, nil,
		},
		"an optional value": {
			replace(`{id: "2"}`, `{id: "2", max_participants: 7}`), []string{"conferences[2].max_participants: none -> 7"}, nil,
		},
		"ports": {replace("20100", "20200"), []string{"media.ports: [20000 20100] -> [20000 20200]"}, nil},
		"two": {
			func(s string) string { return replace("20100]", "20100], workers: 3")(replace("info", "warn")(s)) },
			[]string{"log.level: info -> warn", "media.workers: 0 -> 3"},
			[]string{"media.workers"},
		},
		"system calls": {replace("20100]", "20100], io_uring: false"), []string{"media.io_uring: true -> false"}, []string{"media.io_uring"}},
		"protection":   {replace("optional", "disabled"), []string{"media.srtp: optional -> disabled"}, []string{"media.srtp"}},
		"more of it":   {replace("optional", "required"), []string{"media.srtp: optional -> required"}, nil},
		"a receiver elsewhere": {
			replace("a.example/hidden", "b.example/hidden"), []string{"events.webhooks[crm].url: https://a.example/… -> https://b.example/…"}, nil,
		},
		"call records": {func(s string) string { return s + "cdr: {file: x.jsonl}\n" }, []string{"cdr.file: none -> x.jsonl"}, nil},
	} {
		t.Run(title, func(t *testing.T) {
			x, err := config.Parse("x", []byte(before), nil)
			if err != nil {
				t.Fatal(err)
			}
			y, err := config.Parse("y", []byte(test.change(before)), nil)
			if err != nil {
				t.Fatal(err)
			}
			changes := config.Diff(&x, &y)
			got, fixed := make([]string, 0, len(changes)), []string(nil)
			for _, c := range changes {
				got = append(got, c.String())
				if !c.Live() {
					fixed = append(fixed, c.Key)
				}
			}
			if !slices.Equal(got, test.want) || !slices.Equal(fixed, test.fixed) {
				t.Errorf("got %q, fixed %q", got, fixed)
			}
			if all := fmt.Sprint(got); strings.Contains(all, "second") || strings.Contains(all, "hidden") {
				t.Errorf("a secret is shown: %s", all)
			}
		})
	}
}

func replace(from, to string) func(string) string {
	return func(s string) string { return strings.Replace(s, from, to, 1) }
}
