// Package control is the HTTP API: conferences, participants, recordings and announcements under /api/v1, events as Server-Sent
// Events, an OpenAPI 3.1 description at /openapi.json with readable pages at /docs, liveness, readiness and metrics.
//
// The API is a view of package focus and keeps nothing of its own. Errors are RFC 9457 problem documents. Where tokens are
// configured, /api/v1 and /metrics want one of them as Bearer (RFC 6750); a token of scope read may not change anything. Pages of
// other origins may not change anything either, and where there are no tokens a server on loopback answers only to its address
// and to localhost, so that no page can reach it under a name of its own.
//
//	server := control.New(control.Config{Listen: "127.0.0.1:8080"}, conferences, registry)
//	if err := server.Start(ctx); err != nil {
//		return err
//	}
//	defer server.Close(ctx)
//
// A Server's methods may be called from any goroutine.
package control
