package control

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/parley-sip/parley/focus"
)

// ErrNoAlarm says that there is no such alarm now.
var ErrNoAlarm = errors.New("no such alarm")

// AlarmInfo is something that an operator has to do something about, for as long as it is so.
type AlarmInfo struct {
	Name     string     `json:"name" enum:"call-records,certificate,ports,realtime,recorder-disk,recording-server,spool-age,spool-full,ticks,trunk,webhook" doc:"What it is."`
	About    string     `json:"about,omitempty" doc:"Of which server, trunk, webhook or certificate; left out where there is one only."`
	Severity string     `json:"severity" enum:"critical,warning" doc:"critical: calls or recordings suffer, or are about to."`
	Detail   string     `json:"detail" doc:"What is so, and what to do."`
	Since    focus.Time `json:"since" doc:"Since when; it is looked every 15 s."`

	Acknowledged *AlarmSeen `json:"acknowledged,omitempty" doc:"Who knows of it; left out: nobody has said so, or it has become worse since."`
}

// Same tells whether two are about the same thing.
func (a AlarmInfo) Same(other AlarmInfo) bool { return a.Name == other.Name && a.About == other.About }

// AlarmSeen says who knows of an alarm. It holds while the alarm is active and no worse than he saw it.
type AlarmSeen struct {
	At       focus.Time `json:"at" doc:"When."`
	Token    string     `json:"token,omitempty" doc:"Name of the token that it was done with; left out where there are none."`
	By       string     `json:"by,omitempty" doc:"Who says to have done it."`
	Note     string     `json:"note,omitempty" doc:"What was found, or done about it."`
	Severity string     `json:"severity" enum:"critical,warning" doc:"What it was then."`
}

type seenAlarm struct {
	caller

	Name string `path:"name" doc:"What it is."`
	Body struct {
		About        string `json:"about,omitempty" maxLength:"1024" doc:"Of which server, trunk, webhook or certificate."`
		Acknowledged bool   `json:"acknowledged" doc:"Somebody knows of it; false takes that back."`
		By           string `json:"by,omitempty" maxLength:"128" doc:"Who: a token may be that of several people."`
		Note         string `json:"note,omitempty" maxLength:"1024" doc:"What was found, or done about it."`
	}
}

func (s *Server) registerAlarms(api huma.API) {
	o := s.cfg.Operation
	register(api, "/alarms", "list-alarms", "List what an operator has to do something about", o.Alarms)
	change := operation(tagServer, http.MethodPatch, "/alarms/{name}", "acknowledge-alarm", "Acknowledge an alarm")
	change.Description = "It stays in the list for as long as it is so. The acknowledgement lapses when it becomes critical, and with the alarm: one that begins anew wants to be looked at again. It is in the log."
	change.Errors = append(change.Errors, http.StatusNotFound)
	huma.Register(api, change, func(ctx context.Context, in *seenAlarm) (*body[AlarmInfo], error) {
		var seen *AlarmSeen
		if in.Body.Acknowledged {
			seen = &AlarmSeen{At: focus.Time(time.Now()), By: in.Body.By, Note: in.Body.Note}
			if token := s.tokenOf(bearer(in.authorization)); token != nil {
				seen.Token = token.Name
			}
		}
		found, err := o.AcknowledgeAlarm(in.Name, in.Body.About, seen)
		if err == nil {
			s.log.InfoContext(ctx, "alarm acknowledged", slog.String("name", found.Name), slog.String("about", found.About), slog.String("severity", found.Severity),
				slog.Bool("acknowledged", in.Body.Acknowledged), slog.String("by", in.Body.By), slog.String("note", in.Body.Note))
		}
		return answer(found, err)
	})
}
