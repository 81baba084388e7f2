// Package telemetry counts what the server does, for Prometheus. It hangs on the hooks of package focus and asks the other parts for
// their counters when it is scraped, so that no domain package knows a metrics library and nothing is counted twice.
//
//	metrics := telemetry.New()
//	deps.Hooks = metrics.Hooks()
//	metrics.Collect(telemetry.Sources{Focus: f.Stats, Mixer: …})
//	http.Handle("/metrics", metrics.Handler())
//
// The names are those of the project's interface page, with the prefix parley_; docs/operating.md explains each. All methods may be
// called from any goroutine.
package telemetry
