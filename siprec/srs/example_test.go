package srs_test

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/parley-sip/parley/siprec/srs"
)

// A recorder on a free port of the loopback, which tells when a recording is complete.
func Example() {
	directory, err := os.MkdirTemp("", "recordings")
	if err != nil {
		fmt.Println(err)

		return
	}
	defer func() { _ = os.RemoveAll(directory) }()
	server, err := srs.New(srs.Config{
		Listen:    []string{"udp://127.0.0.1:0", "tcp://127.0.0.1:0"},
		Directory: directory,
		Hooks: srs.Hooks{Finished: func(r srs.Recording) {
			for _, s := range r.Streams {
				fmt.Println(r.Directory, s.File, s.Samples, s.Lost)
			}
		}},
	})
	if err != nil {
		fmt.Println(err)

		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := server.Start(ctx); err != nil {
		fmt.Println(err)

		return
	}
	fmt.Println(server.Addr("udp").IsValid(), len(server.Recordings()))
	fmt.Println(server.Close(ctx))
	// Output:
	// true 0
	// <nil>
}
