// Command parley is the SIP conference bridge for calls that must be recorded: focus, mixer, conference event notifier and
// session recording client in one program, with the reference recorder and the command line to all of it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// version is set by the linker, see the Makefile.
var version = "dev"

// Exit statuses (docs: README.md, "Command line").
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
	exitPartly = 3 // of verify: nothing is altered, something is missing
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

// terminal is where a command writes.
type terminal struct {
	out, err io.Writer
}

// printf tells the user something; that he does not listen is no failure of the command.
func (t *terminal) printf(format string, args ...any) { _, _ = fmt.Fprintf(t.out, format, args...) }

// complain says what went wrong.
func (t *terminal) complain(format string, args ...any) {
	_, _ = fmt.Fprintln(t.err, harmlessLines(fmt.Sprintf("parley: "+format, args...)))
}

// run is main with everything it depends on as arguments; it returns the exit status.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	t := &terminal{out: stdout, err: stderr}
	var cli commands
	status := -1
	parser, err := kong.New(&cli,
		kong.Name("parley"),
		kong.Description("SIP conference bridge for calls that must be recorded."),
		kong.Vars{"version": "parley " + version},
		kong.Writers(stdout, stderr),
		kong.Exit(func(code int) { status = code }),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(t),
	)
	if err != nil {
		t.complain("%v", err)
		return exitFailed
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	command, err := parser.Parse(args)
	if status >= 0 { // --help has been printed
		return status
	}
	if err != nil {
		t.complain("%v (see parley --help)", err)
		return exitUsage
	}
	switch err := command.Run(); {
	case err == nil:
		return exitDone
	case errors.Is(err, errPartly):
		t.complain("%v", err)
		return exitPartly
	case errors.Is(err, errUsage):
		t.complain("%v", err)
		return exitUsage
	default:
		t.complain("%v", err)
		return exitFailed
	}
}

// errUsage marks errors that are the caller's wrong words rather than a failure of the command.
var errUsage = errors.New("wrong usage")
