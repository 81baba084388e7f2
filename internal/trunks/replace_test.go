package trunks_test

import (
	"context"
	"log/slog"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-sip/parley/internal/sipua"
	"github.com/parley-sip/parley/internal/trunks"
)

// unanswered is an agent whom nobody answers.
type unanswered struct{}

func (unanswered) Request(ctx context.Context, _ sipua.OutgoingRequest) (*sipua.Response, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func (unanswered) Contact(user string, _ ...string) sipua.URI {
	return sipua.URI{Scheme: "sip", User: user, Host: "192.0.2.1"}
}

// When the configuration is read again a trunk that is as before goes on undisturbed, and one of which anything has changed begins anew.
func TestReplace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := trunks.Config{Name: "a", URI: sipua.URI{Scheme: "sip", Host: "a.example.com"}, Numbers: []string{"+44*"}}
		other := trunks.Config{Name: "b", URI: sipua.URI{Scheme: "sip", Host: "b.example.com"}}
		set := trunks.New([]trunks.Config{base, other}, "conf.example.com", unanswered{}, slog.New(slog.DiscardHandler))
		set.Start()
		defer func() {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			_ = set.Close(ctx)
		}()
		began := time.Now()
		since := func(name string) (list []time.Time) {
			for _, s := range set.Status() {
				if s.Name == name {
					list = append(list, s.Since)
				}
			}
			return list
		}
		fields := reflect.TypeFor[trunks.Config]()
		for i := range fields.NumField() {
			changed := base
			field := reflect.ValueOf(&changed).Elem().Field(i)
			switch field.Interface().(type) {
			case string:
				field.SetString("other")
			case bool:
				field.SetBool(true)
			case time.Duration:
				field.SetInt(int64(time.Minute))
			case sipua.URI:
				field.Set(reflect.ValueOf(sipua.URI{Scheme: "sip", Host: "other.example.com"}))
			case []string:
				field.Set(reflect.ValueOf([]string{"+45*"}))
			default:
				t.Fatalf("%s is of %v", fields.Field(i).Name, field.Type())
			}
			<-time.After(time.Hour)
			set.Set([]trunks.Config{other, changed})
			if got := since(changed.Name); len(got) != 1 || !got[0].Equal(time.Now()) {
				t.Errorf("another %s: since %v", fields.Field(i).Name, got)
			}
			if got := since("b"); len(got) != 1 || !got[0].Equal(began) {
				t.Errorf("another %s: the other trunk since %v, began %v", fields.Field(i).Name, got, began)
			}
			set.Set([]trunks.Config{base, other})
		}
		if n := len(set.Status()); n != 2 {
			t.Errorf("%d trunks", n)
		}
	})
}
