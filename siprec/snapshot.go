package siprec

// SnapshotRequest is a recorder's request for a full snapshot (RFC 7865, section 7).
type SnapshotRequest struct {
	Reason string
	Lang   string // xml:lang of the reason
}

// ParseSnapshotRequest reads a requestsnapshot document, in the namespace of version 1
// or of the drafts; foreign elements are ignored. Errors are those of [Unmarshal].
func ParseSnapshotRequest(data []byte) (SnapshotRequest, error) {
	root, err := parseTree(data)
	if err != nil {
		return SnapshotRequest{}, err
	}
	if root.name.Local != "requestsnapshot" {
		return SnapshotRequest{}, &SyntaxError{Element: root.name.Local, Reason: "not a requestsnapshot"}
	}
	if root.name.Space != Namespace && root.name.Space != NamespaceDraft {
		return SnapshotRequest{}, ErrNamespace
	}
	var request SnapshotRequest
	for _, child := range root.children {
		if child.name.Local == "requestreason" && child.name.Space == root.name.Space {
			request.Reason, request.Lang = child.content(), child.lang()
		}
	}
	return request, nil
}

// Marshal returns the requestsnapshot document.
func (s SnapshotRequest) Marshal() []byte {
	var w writer
	w.text.WriteString(xmlHeader)
	w.open("requestsnapshot", "xmlns", Namespace)
	if s.Reason != "" {
		w.leaf("requestreason", s.Reason, "xml:lang", s.Lang)
	}
	w.close("requestsnapshot")
	return []byte(w.text.String())
}
