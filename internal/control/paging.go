package control

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// A list is given in parts, if somebody wants it so, in the order of a key that each item keeps, from the key after the last one that was given: so an item that is there all the time is in exactly one of the
// parts, whatever comes and goes meanwhile.

// Paging is what part of a list is wanted; see [ConferencePath] for why it is exported.
type Paging struct {
	Limit int    `query:"limit" minimum:"1" maximum:"10000" doc:"So many at most, in the order of their ids; Link (RFC 8288) then has the address of the next ones, as long as there are any. Left out: all."`
	After string `query:"after" maxLength:"512" doc:"Where to go on, as Link says."`

	at *url.URL
}

// Resolve implements huma.Resolver.
func (p *Paging) Resolve(ctx huma.Context) []error {
	at := ctx.URL()
	p.at = &at
	return nil
}

var _ huma.Resolver = (*Paging)(nil)

// part is a part of a list.
type part[T any] struct {
	Link string `header:"Link" doc:"With rel=next, where the next ones are; left out: there are none."`
	Body []T
}

// proofSize is how much of its proof (HMAC) a cursor has.
const proofSize = 16

// cursor says where to go on after a key, for the list of one path. Only this process takes it.
func (k *ticketKey) cursor(list, key string) string {
	return base64.RawURLEncoding.EncodeToString(append(k.cursorProof(list, key), key...))
}

func (k *ticketKey) cursorProof(list, key string) []byte {
	mac := hmac.New(sha256.New, k[:])
	mac.Write([]byte("cursor\x00" + list + "\x00" + key)) // never fails (hash.Hash)
	return mac.Sum(nil)[:proofSize]
}

// keyOf is the key that a cursor of ours has, for this list.
func (k *ticketKey) keyOf(list, cursor string) (key string, ok bool) {
	data, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || len(data) < proofSize {
		return "", false
	}
	key = string(data[proofSize:])
	return key, hmac.Equal(data[:proofSize], k.cursorProof(list, key))
}

// after is the key after which to go on; empty: from the beginning.
func (s *Server) after(p *Paging) (string, error) {
	if p.After == "" {
		return "", nil
	}
	key, ok := s.tickets.keyOf(p.at.Path, p.After)
	if !ok {
		return "", huma.Error400BadRequest("this server has not given that cursor for this list since it runs: begin without after")
	}
	return key, nil
}

// link is the address of what comes after a key, beside the one of this request.
func (s *Server) link(p *Paging, key string) string {
	query := p.at.Query()
	query.Set("after", s.tickets.cursor(p.at.Path, key))
	query.Set("limit", strconv.Itoa(p.Limit))
	return "<?" + query.Encode() + `>; rel="next"`
}

// inParts gives the part of a list that is wanted. Without a limit and a cursor it is the list as it is.
func inParts[T any](s *Server, p *Paging, list []T, key func(*T) string) (*part[T], error) {
	from, err := s.after(p)
	if err != nil || p.Limit == 0 && p.After == "" {
		return &part[T]{Body: list}, err
	}
	slices.SortStableFunc(list, func(a, b T) int { return strings.Compare(key(&a), key(&b)) })
	list = slices.DeleteFunc(list, func(item T) bool { return p.After != "" && key(&item) <= from })
	out := &part[T]{Body: list}
	if p.Limit > 0 && len(list) > p.Limit {
		out.Body = list[:p.Limit]
		out.Link = s.link(p, key(&out.Body[p.Limit-1]))
	}
	return out, nil
}

// paged describes the list of an operation that is given in parts.
func paged(o huma.Operation) huma.Operation {
	o.Errors = append(o.Errors, http.StatusBadRequest)
	return o
}
