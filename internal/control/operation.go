package control

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/parley-sip/parley/focus"
)

// Operation is what can be asked of a whole server, beside its conferences. All methods may be called by any goroutine.
type Operation interface {
	// Trunks tells how each trunk is, in the order of the configuration.
	Trunks() []TrunkInfo
	// Alarms are what an operator has to do something about.
	Alarms() []AlarmInfo
	// AcknowledgeAlarm notes that somebody knows of an alarm, or, with nil, takes that back. The error is ErrNoAlarm.
	AcknowledgeAlarm(name, about string, seen *AlarmSeen) (AlarmInfo, error)
	// Bans are the sources that are ignored.
	Bans() []BanInfo
	// Unban lets a source try again, and reports whether it was ignored.
	Unban(source netip.Addr) bool
	// Connections are the SIP connections.
	Connections() []ConnectionInfo
	// Reload reads the configuration again and gives what has changed. Nothing has when there is an error; focus.ErrConflict says that it
	// cannot change while the server runs.
	Reload(ctx context.Context) ([]SettingInfo, error)
}

// TrunkInfo is a trunk.
type TrunkInfo struct {
	Name            string      `json:"name" doc:"Name in sip.trunks."`
	URI             string      `json:"uri" doc:"The peer."`
	State           string      `json:"state" enum:"registering,registered,failed,up,down,static" doc:"static: it neither wants a registration nor is it asked whether it is there."`
	Reason          string      `json:"reason,omitempty" doc:"Why it has failed or is down."`
	Since           *focus.Time `json:"since,omitempty" doc:"Since when it is in this state."`
	RegisteredUntil *focus.Time `json:"registered_until,omitempty" doc:"When the registration ends unless it is refreshed."`
}

// BanInfo is a source that is ignored.
type BanInfo struct {
	Source string     `json:"source" doc:"Address, or network of 64 bits for IPv6."`
	Until  focus.Time `json:"until" doc:"When it is heard again."`
	Times  int        `json:"times" doc:"How often it has been banned so far; each ban is twice as long."`
}

// ConnectionInfo is a SIP connection.
type ConnectionInfo struct {
	Transport string     `json:"transport" enum:"tcp,tls,ws,wss" doc:"What it is."`
	Local     string     `json:"local" doc:"Our address and port."`
	Remote    string     `json:"remote" doc:"Address and port of the peer."`
	OpenedBy  string     `json:"opened_by" enum:"us,peer" doc:"Who has opened it."`
	Names     []string   `json:"names,omitempty" doc:"Domains that the peer has proved to be, by its certificate."`
	Since     focus.Time `json:"since" doc:"When it was opened."`
}

// SettingInfo is a key of the configuration that has changed.
type SettingInfo struct {
	Key string `json:"key" doc:"Such as sip.trunks[carrier].uri."`
	Old string `json:"old,omitempty" doc:"Value before; secrets are hidden."`
	New string `json:"new,omitempty" doc:"Value now, or added or removed for an element of a list."`
}

// Moment is a time for an object, nil for none.
func Moment(t time.Time) *focus.Time {
	if t.IsZero() {
		return nil
	}
	out := focus.Time(t)
	return &out
}

type reloaded struct {
	Changes []SettingInfo `json:"changes" doc:"What has changed; empty: nothing."`
}

// BanPath names a source. Exported because it is embedded: huma fills exported fields only.
type BanPath struct {
	Source string `path:"source" doc:"Address, or any address of a network that is ignored."`
}

func (s *Server) registerOperation(api huma.API) {
	o := s.cfg.Operation
	register(api, "/trunks", "list-trunks", "List trunks and how they are", o.Trunks)
	s.registerAlarms(api)
	register(api, "/bans", "list-bans", "List the sources that are ignored because they guess passwords", o.Bans)
	register(api, "/connections", "list-connections", "List SIP connections", o.Connections)
	unban := operation(tagServer, http.MethodDelete, "/bans/{source}", "delete-ban", "Let a source try again")
	unban.Errors = append(unban.Errors, http.StatusNotFound)
	huma.Register(api, unban, func(_ context.Context, in *BanPath) (*struct{}, error) {
		text, _, _ := strings.Cut(in.Source, "/")
		source, err := netip.ParseAddr(text)
		if err != nil {
			return nil, huma.Error422UnprocessableEntity("an address is wanted, not " + in.Source)
		}
		if !o.Unban(source) {
			return nil, huma.Error404NotFound(in.Source + " is not banned")
		}
		return nil, nil //nolint:nilnil // no content
	})
	reload := operation(tagServer, http.MethodPost, "/reload", "reload", "Read the configuration again")
	reload.Description = "All of it holds from then on, or nothing has changed. Calls in progress are not touched."
	reload.Errors = append(reload.Errors, http.StatusUnprocessableEntity)
	huma.Register(api, reload, func(ctx context.Context, _ *struct{}) (*body[reloaded], error) {
		changes, err := o.Reload(ctx)
		if err != nil {
			return nil, reloadFailure(err)
		}
		return &body[reloaded]{Body: reloaded{Changes: changes}}, nil
	})
}

// register adds a list that can only be read.
func register[T any](api huma.API, at, id, summary string, list func() []T) {
	huma.Register(api, operation(tagServer, http.MethodGet, at, id, summary), func(context.Context, *struct{}) (*body[[]T], error) {
		return &body[[]T]{Body: list()}, nil
	})
}

// reloadFailure says of every wrong key where it is.
func reloadFailure(err error) error {
	if errors.Is(err, focus.ErrShutdown) || errors.Is(err, focus.ErrConflict) {
		return failure(err)
	}
	return huma.Error422UnprocessableEntity("the configuration is not valid", apart(err)...)
}

// apart takes joined errors apart.
func apart(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	return []error{err}
}
