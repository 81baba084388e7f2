package config_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/parley-sip/parley/internal/config"
)

// recorder is a recording server with some settings.
func recorder(settings string) string {
	return `recording: {servers: [{name: a, uri: "sip:a@10.0.0.9", ` + settings + `}]}`
}

// What is beyond a bound is refused under its key, and what is just within it is taken.
func TestBounds(t *testing.T) {
	for key, test := range map[string]struct{ bad, good []string }{
		"srs.http_listen": {[]string{`srs: {http_listen: nowhere}`}, []string{`srs: {http_listen: "127.0.0.1:8081"}`, `srs: {http_listen: ""}`}},
		"media.ports": {
			[]string{`media: {ports: [10000]}`, `media: {ports: [0, 20000]}`, `media: {ports: [60000, 65536]}`, `media: {ports: [20000, 10000]}`, `media: {ports: [1, 2, 65535]}`},
			[]string{`media: {ports: [1, 65535]}`},
		},
		"sip.tls.require_client_cert": {[]string{`sip: {tls: {require_client_cert: true}}`}, []string{`sip: {tls: {require_client_cert: true, client_ca: ca.pem}}`}},
		"sip.tls:":                    {[]string{`sip: {tls: {cert: a.pem}}`, `sip: {tls: {key: a.pem}}`}, []string{`sip: {tls: {cert: a.pem, key: b.pem}}`}},
		"sip.realm":                   {[]string{`sip: {realm: "a\"b"}`, `sip: {realm: ""}`, `sip: {realm: "a\nb"}`}, []string{`sip: {realm: "a b"}`}},
		"sip.digest":                  {[]string{`sip: {digest: []}`}, []string{`sip: {digest: [MD5]}`}},
		"sip.bans": {
			[]string{`sip: {bans: {failures: 0}}`, `sip: {bans: {window: 0s}}`, `sip: {bans: {duration: 0s}}`, `sip: {bans: {duration: 2m, max: 1m}}`},
			[]string{`sip: {bans: {failures: 1, window: 1s, duration: 1m, max: 1m}}`},
		},
		"sip.trunks[0].networks[0]": {[]string{`sip: {trunks: [{name: t, uri: "sip:t", networks: [192.0.2.1]}]}`}, []string{`sip: {trunks: [{name: t, uri: "sip:t", networks: [192.0.2.0/24]}]}`}},
		"sip.trunks[0].name":        {[]string{`sip: {trunks: [{name: "a b", uri: "sip:t"}]}`, `sip: {trunks: [{uri: "sip:t"}]}`, `sip: {trunks: [{name: "a@b", uri: "sip:t"}]}`}, []string{`sip: {trunks: [{name: a-b, uri: "sip:t"}]}`}},
		"sip.dial_out.allow[0]":     {[]string{`sip: {dial_out: {allow: ["user:alice"]}}`, `sip: {dial_out: {allow: [what]}}`}, []string{`sip: {dial_out: {allow: ["*@x"]}}`, `sip: {dial_out: {allow: [10.0.0.0/8]}}`}},
		"prompts.language":          {[]string{`prompts: {dir: /p, language: ../x}`, `prompts: {dir: /p, language: ""}`, `prompts: {language: it}`}, []string{`prompts: {dir: /p, language: it}`}},
		"conference_defaults.moderator_pin": {
			[]string{`conference_defaults: {pin: "1234", moderator_pin: "1234"}`, `conference_defaults: {moderator_pin: "123"}`}, []string{`conference_defaults: {pin: "1234", moderator_pin: "5678"}`, `conference_defaults: {pin: "1234"}`},
		},
		"conference_defaults.allow[0]": {
			[]string{`conference_defaults: {allow: ["user:nobody"]}`, `conference_defaults: {allow: ["role:none"]}`, `conference_defaults: {allow: ["trunk:none"]}`, `conference_defaults: {allow: [what]}`},
			[]string{"sip: {users: [{username: alice, password: x, roles: [m]}]}\nconference_defaults: {allow: [\"user:alice\", \"role:m\", 10.0.0.0/8, \"*@x\"]}"},
		},
		"conference_defaults.deny[0]":              {[]string{`conference_defaults: {deny: ["user:nobody"]}`}, []string{`conference_defaults: {deny: ["*"]}`}},
		"conference_defaults.duration_warnings[0]": {[]string{`conference_defaults: {duration_warnings: [0s]}`, `conference_defaults: {max_duration: 10m, duration_warnings: [10m]}`}, []string{`conference_defaults: {max_duration: 10m, duration_warnings: [9m]}`}},
		"conference_defaults.audio.agc.target":     {[]string{`conference_defaults: {audio: {agc: {target: -61}}}`, `conference_defaults: {audio: {agc: {target: 0}}}`}, []string{`conference_defaults: {audio: {agc: {target: -60}}}`, `conference_defaults: {audio: {agc: {target: -1}}}`}},
		"conference_defaults.host.uris[0]":         {[]string{`conference_defaults: {host: {uris: [nowhere]}}`, `conference_defaults: {host: {uris: [""]}}`}, []string{`conference_defaults: {host: {uris: ["tel:+1"]}}`}},
		"conference_defaults.host.web_page":        {[]string{`conference_defaults: {host: {web_page: nowhere}}`}, []string{`conference_defaults: {host: {web_page: "http://x/"}}`}},
		"door.name_length":                         {[]string{`door: {name_length: 999ms}`, `door: {name_length: 1h}`}, []string{`door: {name_length: 1s}`}},
		"door.lockout.total":                       {[]string{`door: {lockout: {total: -1}}`}, []string{`door: {lockout: {total: 0}}`}},
		"door.attempts":                            {[]string{`door: {attempts: 0}`}, []string{`door: {attempts: 1}`}},
		"door:":                                    {[]string{`door: {first_key: 0s}`, `door: {next_key: 0s}`, `door: {lockout: {window: 0s}}`, `door: {lockout: {duration: 0s}}`}, []string{`door: {first_key: 1s, next_key: 1s}`}},
		"recording.spool.key": {
			[]string{`recording: {spool: {directory: /d, key: short}}`, `recording: {spool: {directory: /d}}`, `recording: {spool: {directory: /d, key: "` + strings.Repeat("0", 62) + `"}}`},
			[]string{`recording: {spool: {directory: /d, key: "` + strings.Repeat("0", 64) + `"}}`, `recording: {spool: {key: short}}`},
		},
		"recording.servers[0].metadata.headers[0]": {[]string{recorder(`metadata: {headers: [""]}`), recorder(`metadata: {headers: ["a:b"]}`), recorder(`metadata: {headers: ["["]}`)}, []string{recorder(`metadata: {headers: ["X-*"]}`)}},
		"recording.servers[0].dialect.headers[0]":  {[]string{recorder(`dialect: {headers: [{value: x}]}`), recorder(`dialect: {headers: [{name: "a b", value: x}]}`), recorder(`dialect: {headers: [{name: X-A, value: "x\r\ny"}]}`)}, []string{recorder(`dialect: {headers: [{name: X-A, value: x}]}`)}},
		"recording.servers[0].username":            {[]string{recorder(`password: x`)}, []string{recorder(`username: u, password: x`)}},
		"recording.servers[0].password":            {[]string{recorder(`username: u`)}, []string{recorder(`username: u, password: x, realm: r`)}},
		"recording.servers[0].realm":               {[]string{recorder(`realm: r`)}, nil},
		"recording.servers[0].persistent":          {[]string{recorder(`persistent: 3, dialect: {max_streams: 2}`), recorder(`persistent: -1`)}, []string{recorder(`persistent: 2, dialect: {max_streams: 2}`), recorder(`persistent: 2, dialect: {max_streams: 0}`)}},
		"recording.servers[0].merge":               {[]string{recorder(`merge: true`)}, nil},
		"recording.servers[0].group":               {[]string{recorder(`group: a`)}, []string{recorder(`group: g`)}},
	} {
		for _, source := range test.bad {
			if _, err := config.Parse("", []byte(source), nil); err == nil || !strings.Contains(err.Error(), key) {
				t.Errorf("%s: %s: %v", key, source, err)
			}
		}
		for _, source := range test.good {
			if _, err := config.Parse("", []byte(source), nil); err != nil {
				t.Errorf("%s: %s: %v", key, source, err)
			}
		}
	}
}

// Sizes are those of powers of 2 or 10, and never more than there can be.
func TestSizes(t *testing.T) {
	for text, want := range map[string]int64{
		"500": 500, "1B": 1, "2kB": 2000, "2 KiB": 2048, "3MB": 3e6, "3MiB": 3 << 20, "4GB": 4e9, "4GiB": 4 << 30, "5TB": 5e12, "5TiB": 5 << 40, "8388607TiB": 8388607 << 40,
		"9223372036854775807": 1<<63 - 1, "8388608TiB": -1, "-1": -1, "MiB": -1, "1XB": -1, "1.5GB": -1, "9223372036854775808": -1, "1KB": -1,
	} {
		cfg, err := config.Parse("", []byte(`recording: {spool: {max_size: "`+text+`"}}`), nil)
		if (err == nil) != (want >= 0) {
			t.Errorf("%q: %v", text, err)
		} else if err == nil && int64(cfg.Recording.Spool.MaxSize) != want {
			t.Errorf("%q is %d", text, cfg.Recording.Spool.MaxSize)
		}
	}
}

// Whatever a conference says of its life holds instead of the default, and nothing else does.
func TestLifeOverrides(t *testing.T) {
	fields := reflect.TypeFor[config.LifeOverrides]()
	for i := range fields.NumField() {
		var o config.LifeOverrides
		field := reflect.ValueOf(&o).Elem().Field(i)
		var want any
		switch field.Type() {
		case reflect.TypeFor[*bool]():
			field.Set(reflect.ValueOf(new(true)))
			want = true
		case reflect.TypeFor[*int]():
			field.Set(reflect.ValueOf(new(7)))
			want = 7
		case reflect.TypeFor[*string]():
			field.Set(reflect.ValueOf(new("other")))
			want = "other"
		case reflect.TypeFor[*time.Duration]():
			field.Set(reflect.ValueOf(new(7 * time.Minute)))
			want = 7 * time.Minute
		case reflect.TypeFor[[]time.Duration]():
			want = []time.Duration{time.Minute}
			field.Set(reflect.ValueOf(want))
		default:
			t.Fatalf("%s is of %v", fields.Field(i).Name, field.Type())
		}
		life := o.Over(config.Life{})
		over := reflect.ValueOf(&life).Elem().FieldByName(fields.Field(i).Name)
		if !reflect.DeepEqual(over.Interface(), want) {
			t.Errorf("%s is %v", fields.Field(i).Name, over)
		}
		if over.SetZero(); !reflect.DeepEqual(life, config.Life{}) {
			t.Errorf("%s changes something else: %+v", fields.Field(i).Name, life)
		}
	}
}
