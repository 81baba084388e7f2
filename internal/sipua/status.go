package sipua

// ReasonPhrase returns the usual reason phrase of a status code, or that of
// its class.
func ReasonPhrase(status int) string {
	if phrase, ok := reasonPhrases[status]; ok {
		return phrase
	}
	switch status / 100 {
	case 1:
		return "Session Progress"
	case 2:
		return "OK"
	case 3:
		return "Moved"
	case 4:
		return "Request Failure"
	case 5:
		return "Server Failure"
	}
	return "Decline"
}

// reasonPhrases are those of the IANA registry "Response Codes".
//
//nolint:gochecknoglobals // a table
var reasonPhrases = map[int]string{
	100: "Trying", 180: "Ringing", 181: "Call Is Being Forwarded", 182: "Queued", 183: "Session Progress",
	199: "Early Dialog Terminated",
	200: "OK", 202: "Accepted", 204: "No Notification",
	300: "Multiple Choices", 301: "Moved Permanently", 302: "Moved Temporarily", 305: "Use Proxy",
	380: "Alternative Service",
	400: "Bad Request", 401: "Unauthorized", 402: "Payment Required", 403: "Forbidden", 404: "Not Found",
	405: "Method Not Allowed", 406: "Not Acceptable", 407: "Proxy Authentication Required", 408: "Request Timeout",
	410: "Gone", 412: "Conditional Request Failed", 413: "Request Entity Too Large", 414: "Request-URI Too Long",
	415: "Unsupported Media Type", 416: "Unsupported URI Scheme", 417: "Unknown Resource-Priority",
	420: "Bad Extension", 421: "Extension Required", 422: "Session Interval Too Small", 423: "Interval Too Brief",
	428: "Use Identity Header", 429: "Provide Referrer Identity", 433: "Anonymity Disallowed", 437: "Unsupported Credential",
	439: "First Hop Lacks Outbound Support", 440: "Max-Breadth Exceeded", 469: "Bad Info Package",
	480: "Temporarily Unavailable", 481: "Call/Transaction Does Not Exist", 482: "Loop Detected", 483: "Too Many Hops",
	484: "Address Incomplete", 485: "Ambiguous", 486: "Busy Here", 487: "Request Terminated", 488: "Not Acceptable Here",
	489: "Bad Event", 491: "Request Pending", 493: "Undecipherable", 494: "Security Agreement Required",
	500: "Server Internal Error", 501: "Not Implemented", 502: "Bad Gateway", 503: "Service Unavailable",
	504: "Server Time-out", 505: "Version Not Supported", 513: "Message Too Large",
	600: "Busy Everywhere", 603: "Decline", 604: "Does Not Exist Anywhere", 606: "Not Acceptable", 607: "Unwanted",
}

// unanswerable tells whether an error is a challenge that we have no answer to:
// the next NOTIFY would meet the same.
func unanswerable(err error) bool { return Status(err) == 401 || Status(err) == 407 }

// goneStatuses are those by which a peer says that a subscription is over, to a
// NOTIFY or to a SUBSCRIBE within its dialog (RFC 6665, sections 4.1.2.2 and 4.2.2;
// RFC 5057, section 5.1).
//
//nolint:gochecknoglobals // a table
var goneStatuses = []int{404, 405, 410, 416, 480, 481, 482, 483, 484, 485, 489, 501, 604}
