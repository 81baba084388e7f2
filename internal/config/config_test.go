package config_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/parley-sip/parley/internal/config"
)

// TestUsualLife: where nothing is said, who mutes himself may unmute himself, and who is alone hears the music, also beside other rules.
func TestUsualLife(t *testing.T) {
	for _, text := range []string{"", "conference_defaults:\n  lobby: true\n"} {
		cfg, err := config.Parse("parley.yml", []byte(text), nil)
		if err != nil {
			t.Fatal(err)
		}
		if life := cfg.ConferenceDefaults.Life; !life.AllowUnmute || !life.MusicAlone {
			t.Errorf("with %q: %+v", text, life)
		}
	}
}

func TestAnEmptyFileIsTheDefault(t *testing.T) {
	got, err := config.Parse("parley.yml", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, config.Default()) {
		t.Errorf("got %+v, want %+v", got, config.Default())
	}
	for _, listen := range append(got.SIP.Listen, got.SRS.Listen...) {
		if !strings.Contains(listen, "//127.0.0.1:") {
			t.Errorf("listens on %s: beyond loopback only when the file says so", listen)
		}
	}
}

// TestFullFileNamesEveryKey holds the sample file complete: a key that is added to Config must be shown there.
func TestFullFileNamesEveryKey(t *testing.T) {
	cfg, err := config.Load(filepath.Join("testdata", "full.yml"), nil)
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile(filepath.Join("testdata", "full.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var visit func(reflect.Type)
	visit = func(typ reflect.Type) {
		for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice {
			typ = typ.Elem()
		}
		if typ.Kind() != reflect.Struct {
			return
		}
		for field := range typ.Fields() {
			if field.Anonymous {
				visit(field.Type)
				continue
			}
			key := field.Tag.Get("yaml")
			if !strings.Contains(string(source), key+":") {
				t.Errorf("full.yml does not show %s.%s", typ.Name(), key)
			}
			visit(field.Type)
		}
	}
	visit(reflect.TypeFor[config.Config]())
	if cfg.Media.JitterBuffer.Max != 120*time.Millisecond || cfg.Conferences[0].Recording.OnFailure != "terminate" || *cfg.Conferences[0].MaxSpeakers != 3 {
		t.Errorf("values lost: %+v", cfg)
	}
	if a := cfg.Conferences[0].Audio; a == nil || !a.AGC.Enabled || a.AGC.Target != -26 || a.AGC.Rate != 0 || !cfg.ConferenceDefaults.Audio.LookAhead {
		t.Errorf("audio: %+v", a)
	}
	if life := cfg.Conferences[0].Over(cfg.ConferenceDefaults.Life); life.WaitForModerator || life.AllowUnmute || len(life.DurationWarnings) != 0 ||
		life.Music != "" || life.MuteAbove != 20 || life.MaxDuration != 0 || life.ModeratorGrace != time.Minute {
		t.Errorf("a conference differs from the defaults by %+v", life)
	}
	if life := cfg.Conferences[1].Over(cfg.ConferenceDefaults.Life); !reflect.DeepEqual(life, cfg.ConferenceDefaults.Life) {
		t.Errorf("a conference that says nothing has %+v", life)
	}
	if cfg.Conferences[1].MaxParticipants != nil {
		t.Error("what is not said must stay unsaid, so that the defaults apply")
	}
}

// TestBadFiles: every file in testdata/bad begins with the error it must give, after "# ".
//
// Shows SR-EST-19, by silent.yml.
func TestBadFiles(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "bad", "*.yml"))
	if err != nil || len(files) == 0 {
		t.Fatal("no bad files", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			source, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var want []string
			for line := range strings.Lines(string(source)) {
				if comment, ok := strings.CutPrefix(line, "# "); ok {
					want = append(want, "parley.yml:"+strings.TrimSpace(comment))
				}
			}
			_, err = config.Parse("parley.yml", source, nil)
			if got := fmt.Sprint(err); got != strings.Join(want, "\n") {
				t.Errorf("got:\n%s\nwant:\n%s", got, strings.Join(want, "\n"))
			}
		})
	}
}

func TestEnvironmentWins(t *testing.T) {
	cfg, err := config.Parse("parley.yml", []byte("media: {jitter_buffer: {max: 100ms}, codecs: [opus]}\n"), []string{
		"PARLEY_MEDIA_JITTER_BUFFER_MAX=60ms", "PARLEY_MEDIA_CODECS=pcmu,pcma", "PARLEY_SIP_LISTEN=[\"udp://127.0.0.1:0\"]",
		"PARLEY_SRS_ENABLED=false", "PARLEY_API=http://ignored", "PATH=/bin", "PARLEY_HTTP_TOKENS=[{name: a, token: b}]",
	})
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Media.JitterBuffer.Max != 60*time.Millisecond || !reflect.DeepEqual(cfg.Media.Codecs, []string{"pcmu", "pcma"}) ||
		!reflect.DeepEqual(cfg.SIP.Listen, []string{"udp://127.0.0.1:0"}) || cfg.SRS.Enabled || cfg.HTTP.Tokens[0].Scope != "admin" {
		t.Errorf("got %+v", cfg)
	}
}

func TestBadEnvironmentNamesTheVariable(t *testing.T) {
	for variable, want := range map[string]string{
		"PARLEY_LOG_LEVEL=loud":         `PARLEY_LOG_LEVEL: log.level: wants one of debug, info, warn, error, has "loud"`,
		"PARLEY_MEDIA_NOISE=1":          `environment: PARLEY_MEDIA_NOISE: no such key`,
		"PARLEY_MEDIA_CODECS=pcma,mp3":  `PARLEY_MEDIA_CODECS: media.codecs[1]: wants one of opus, g722, pcmu, pcma, l16/8000, l16/16000, l16/44100, l16/48000, has "mp3"`,
		"PARLEY_MEDIA_PORTS=[1":         `PARLEY_MEDIA_PORTS: media.ports: is not YAML: "[1"`,
		"PARLEY_LIMITS_CALLS=many":      `PARLEY_LIMITS_CALLS: limits.calls: wants a whole number, has "many"`,
		"PARLEY_MEDIA_SYMMETRIC=rather": `PARLEY_MEDIA_SYMMETRIC: media.symmetric: wants true or false, has "rather"`,
	} {
		if _, err := config.Parse("", nil, []string{variable}); fmt.Sprint(err) != want {
			t.Errorf("%s: got %v, want %s", variable, err, want)
		}
	}
}

func TestKeyErrorsCanBeRead(t *testing.T) {
	_, err := config.Parse("p.yml", []byte("log:\n  level: loud\n"), nil)
	var key *config.KeyError
	if !errors.As(err, &key) || key.Line != 2 || key.Key != "log.level" || key.File != "p.yml" {
		t.Errorf("got %#v", key)
	}
}

func TestMissingFile(t *testing.T) {
	if _, err := config.Load(filepath.Join(t.TempDir(), "no.yml"), nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestSecretsHideThemselves(t *testing.T) {
	token := config.Token{Name: "ops", Token: "hunter2"}
	for _, text := range []string{fmt.Sprint(token), fmt.Sprintf("%+v", token), fmt.Sprintf("%#v", token), token.Token.String()} {
		if strings.Contains(text, "hunter2") {
			t.Errorf("printed: %s", text)
		}
	}
	if token.Token.Reveal() != "hunter2" {
		t.Error("Reveal must give the secret")
	}
}

func FuzzParse(f *testing.F) {
	f.Add("log: {level: info}\n")
	f.Add("conferences:\n  - {id: \"1\"}\n  - [a]\n")
	f.Add("sip:\n\tlisten: *x\n")
	f.Fuzz(func(t *testing.T, source string) {
		cfg, err := config.Parse("parley.yml", []byte(source), nil)
		if err == nil && len(cfg.Media.Ports) != 2 {
			t.Error("accepted without media ports")
		}
	})
}
