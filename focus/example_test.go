package focus_test

import (
	"context"
	"fmt"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/internal/media"
	"github.com/parley-sip/parley/internal/sipua"
	"github.com/parley-sip/parley/mixer"
)

// A focus on loopback with one conference that is open to callers.
func Example() {
	ctx := context.Background()
	engine, err := mixer.New(mixer.Config{})
	if err != nil {
		panic(err)
	}
	transport, err := media.NewTransport(media.Config{})
	if err != nil {
		panic(err)
	}
	f, err := focus.New(focus.Config{Domain: "conf.example.com"}, focus.Deps{Mixer: engine, Media: transport})
	if err != nil {
		panic(err)
	}
	agent, err := sipua.New(sipua.Config{AllowEvents: []string{"conference"}}, f)
	if err != nil {
		panic(err)
	}
	f.Serve(agent)
	if err = agent.Start(ctx); err != nil {
		panic(err)
	}
	state, err := f.Create(ctx, focus.ConferenceConfig{ID: "1000", Name: "Trading desk"})
	if err != nil {
		panic(err)
	}
	fmt.Println(state.URI, state.Active)
	for _, end := range []func() error{
		func() error { return f.Shutdown(ctx) }, func() error { return agent.Shutdown(ctx) }, engine.Close, transport.Close,
	} {
		if err := end(); err != nil {
			panic(err)
		}
	}
	// Output: sip:1000@conf.example.com false
}
