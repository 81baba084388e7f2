package control

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

// AccessInfo is what the caller may do, and what there is.
type AccessInfo struct {
	Scope       string `json:"scope" enum:"admin,listen,read" doc:"admin: everything; listen: read, and hear recordings; read: neither change anything nor hear recordings. admin where there are no tokens."`
	Token       string `json:"token,omitempty" doc:"Name of the token; left out where there are none."`
	Version     string `json:"version" doc:"Of the program."`
	Conferences bool   `json:"conferences" doc:"There are conferences; not where there is the reference recorder alone."`
	Recorder    bool   `json:"recorder" doc:"There is the reference recorder."`
	Operation   bool   `json:"operation" doc:"There are trunks, bans, connections and a configuration that can be read again."`
}

// caller is who asks.
type caller struct {
	authorization string
}

// Resolve implements huma.Resolver.
func (c *caller) Resolve(ctx huma.Context) []error {
	c.authorization = ctx.Header("Authorization")
	return nil
}

var _ huma.Resolver = (*caller)(nil)

func (s *Server) registerAccess(api huma.API) {
	o := operation(tagServer, http.MethodGet, "/access", "get-access", "Ask what one may do")
	huma.Register(api, o, func(_ context.Context, in *caller) (*body[AccessInfo], error) {
		info := AccessInfo{
			Scope: "admin", Version: s.cfg.Version, Conferences: s.focus != nil, Recorder: s.cfg.Recorder != nil, Operation: s.cfg.Operation != nil,
		}
		token := s.tokenOf(bearer(in.authorization))
		if token == nil {
			return answer(info, nil) // let in, so there are no tokens
		}
		info.Token = token.Name
		switch {
		case token.ReadOnly && token.Listen:
			info.Scope = "listen"
		case token.ReadOnly:
			info.Scope = "read"
		}
		return answer(info, nil)
	})
}
