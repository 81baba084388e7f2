package siprec

// An IssueKind classifies an [Issue].
type IssueKind uint8

// The kinds of issues.
const (
	IssueDialect              IssueKind = iota // readable, but not RFC 7865
	IssueBadID                                 // no UUID in base64
	IssueBadLabel                              // no SDP token (RFC 4574, section 4)
	IssueBadAOR                                // no URI
	IssueDuplicateID                           // two elements of a kind with one ID
	IssueSharedID                              // one ID for elements of two kinds
	IssueDuplicateLabel                        // one label for two streams or two m-lines
	IssueDuplicateAssociation                  // two associations of a kind between the same two
	IssueDangling                              // a reference to nothing, in a complete document
	IssueMissingName                           // a participant without nameID
	IssueMissingTime                           // an association without any time
	IssueTimeOrder                             // an end before its beginning
	IssueMissingLabel                          // an m-line, or a stream of a complete document, without label
	IssueUnknownLabel                          // a stream's label that no m-line has
	IssueOrphanLabel                           // an m-line that no stream of a complete document describes
	IssueLabelWithoutSDP                       // labels in a message without SDP
	IssueEmptyGroup                            // a group without session, in a complete document
)

// String returns a stable name for logs.
func (k IssueKind) String() string {
	if int(k) < len(issueNames) {
		return issueNames[k]
	}
	return "invalid"
}

//nolint:gochecknoglobals // table of names by kind
var issueNames = [...]string{
	IssueDialect: "dialect", IssueBadID: "bad-id", IssueBadLabel: "bad-label", IssueBadAOR: "bad-aor",
	IssueDuplicateID: "duplicate-id", IssueSharedID: "shared-id", IssueDuplicateLabel: "duplicate-label",
	IssueDuplicateAssociation: "duplicate-association", IssueDangling: "dangling-reference",
	IssueMissingName: "missing-name", IssueMissingTime: "missing-time", IssueTimeOrder: "time-order",
	IssueMissingLabel: "missing-label", IssueUnknownLabel: "unknown-label", IssueOrphanLabel: "orphan-label",
	IssueLabelWithoutSDP: "label-without-sdp", IssueEmptyGroup: "empty-group",
}

// Issue is one fault of a document. It names elements and IDs, never persons.
type Issue struct {
	Kind    IssueKind
	Element string // element name
	ID      ID     // of the element; empty when it has none
	Detail  string
}

// String describes the issue in one line.
func (i Issue) String() string {
	text := i.Kind.String() + ": " + i.Element
	if i.ID != "" {
		text += " " + string(i.ID)
	}
	if i.Detail != "" {
		text += ": " + i.Detail
	}
	return text
}
