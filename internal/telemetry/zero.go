package telemetry

import (
	"maps"
	"net/http"
)

// What can be counted is there from the beginning, at 0: rate() and increase() see nothing of a counter's first step if the series begins with it, and
// the first recording that fails is the one to be alarmed by.
//
//nolint:gochecknoglobals // tables
var (
	callDirections  = []string{"inbound", "outbound"}
	callResults     = []string{"answered", "busy", "cancelled", "failed", "refused"} // of focus.CallRecord
	documentStates  = []string{"full", "partial", "deleted"}
	recordingStates = []string{"starting", "recording", "paused", "failed", "stopping", "standby"} // of focus.Stats
	methods         = []string{"INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "PRACK", "UPDATE", "INFO", "REFER", "SUBSCRIBE", "NOTIFY", "REGISTER", "MESSAGE"}
	// inviteCodes are what calls are answered, and refused, with most; other kinds of responses appear with the first.
	inviteCodes = []int{200, 401, 403, 404, 480, 486, 488, 491, 500, 503}
)

// begin gives the series whose labels are known without anybody having called.
func (m *Metrics) begin() {
	for _, direction := range callDirections {
		for _, result := range callResults {
			m.calls.WithLabelValues(direction, result)
		}
	}
	for _, state := range documentStates {
		m.notifies.WithLabelValues(state)
	}
}

// withServers serves with a counter for each recording server there is, also for those that a new configuration has brought.
func (m *Metrics) withServers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if m.recorders != nil {
			for _, server := range m.recorders() {
				m.recordingFailures.WithLabelValues(server.Name)
			}
		}
		next.ServeHTTP(w, r)
	})
}

// withZeros completes counts by method and kind of response.
func (s SIP) withZeros() SIP {
	out := SIP{Requests: map[string]uint64{}, Responses: map[Response]uint64{}}
	for _, method := range methods {
		out.Requests[method] = 0
	}
	for _, code := range inviteCodes {
		out.Responses[Response{Method: "INVITE", Code: code}] = 0
	}
	maps.Copy(out.Requests, s.Requests)
	maps.Copy(out.Responses, s.Responses)
	return out
}
