package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/parley-sip/parley/internal/conftest"
)

// TestMain lets the scripts run this program as the command parley.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"parley": main})
}

// scriptPatience is how long a script waits for something to happen.
const scriptPatience = 20 * time.Second

// TestScripts runs testdata/script. Beside the usual commands of testscript they have:
//
//	exits STATUS PROGRAM ARGUMENT...   runs a program that must exit so
//	serve [ARGUMENT...]                starts parley serve and waits until it is ready; sets PARLEY_API, SIP and HTTP
//	await EVENT [PATTERN]              waits for the next event of that name whose JSON matches; sets ID to that of its object
//	term                               sends SIGTERM to the server and waits for its end; stdout and stderr are its own
//	signal HUP|TERM                    sends a signal to the server
//	ended [STATUS]                     waits for the server's end; stdout and stderr are its own
//	logged PATTERN                     waits until a line of the server's standard error matches
//	get PATH [PATTERN]                 prints what the server's HTTP gives there; it must be 200, or with ! anything else; with a
//	                                   pattern it asks until the answer matches
//	phone NAME dial CONFERENCE         calls, and is answered
//	phone NAME refused STATUS CONFERENCE   calls, and is refused
//	phone NAME say FILE                speaks, until the last of it has left
//	phone NAME hears                   waits until something is heard
//	phone NAME hangup                  ends the call
//	phone NAME over                    waits until the other side has ended the call
func TestScripts(t *testing.T) {
	speech, err := filepath.Abs(filepath.Join("..", "..", "testdata", "speech"))
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"),
		Setup: func(env *testscript.Env) error {
			env.Setenv("SPEECH", speech)
			env.Values[stageKey{}] = &stage{phones: map[string]*conftest.Phone{}}
			env.Setenv("GOMAXPROCS", os.Getenv("GOMAXPROCS"))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": scriptExits, "serve": scriptServe, "await": scriptAwait, "term": scriptTerm, "get": scriptGet, "signal": scriptSignal, "ended": scriptEnded, "logged": scriptLogged, "phone": scriptPhone,
		},
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
	})
}

// stage is what a script works with.
type stage struct {
	server *scriptServer
	phones map[string]*conftest.Phone
}

type stageKey struct{}

func stageOf(ts *testscript.TestScript) *stage {
	return ts.Value(stageKey{}).(*stage) //nolint:forcetypeassert // Setup has put it there
}

func scriptExits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits STATUS PROGRAM ARGUMENT...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		failed, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%v", err)
		}
		got = failed.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}
