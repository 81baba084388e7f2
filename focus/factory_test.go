package focus_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/sipua"
	"github.com/parley-sip/parley/siprec"
)

// create calls the factory.
func (r *raw) create(headers sipua.Headers, contentType string, body []byte) (*sipua.Dialog, *sipua.Response, error) {
	return r.agent.Invite(r.b.t.Context(), sipua.OutgoingCall{
		To: sipua.Address{URI: r.b.parse("factory")}, From: sipua.Address{URI: r.agent.Contact("raw")}, Headers: headers,
		ContentType: contentType, Body: body,
	}, r)
}

// The factory makes a new conference for each call, which ends with its creator.
//
// Shows FO-FAC-01, FO-FAC-02, FO-FAC-03, FO-FAC-05, FO-FAC-08, FO-FAC-11, FO-FAC-12, FO-ID-01, FO-ID-03.
func TestFactory(t *testing.T) {
	b := newBench(t, focus.Config{Dynamic: true, Factory: "factory"})
	made, dialogs := make([]string, 0, 2), make([]*sipua.Dialog, 0, 2)
	for range 2 {
		r := b.raw()
		dialog, response, err := r.create(nil, "application/sdp", r.describe(codecs.PCMU))
		must(t, err)
		contact, _ := response.Contact()
		if !contact.Params.Has("isfocus") || contact.URI.UserPart() == "factory" || len(contact.URI.UserPart()) < 20 {
			t.Errorf("Contact %s", contact)
		}
		made, dialogs = append(made, contact.URI.UserPart()), append(dialogs, dialog)
		b.await("the creator", func() bool { return b.find(contact.URI.UserPart(), "raw").Status.Present() })
		if role := b.find(contact.URI.UserPart(), "raw").Role; role != conference.Moderator {
			t.Errorf("the creator is a %v", role)
		}
	}
	if made[0] == made[1] {
		t.Error("one conference for both")
	}
	guest := b.raw()
	guest.callAs("guest", made[0])
	must(t, dialogs[0].Bye(t.Context()))
	if reason := <-guest.ended; reason.Cause != sipua.EndRemote {
		t.Errorf("%+v", reason)
	}
	b.await("the end", func() bool { _, err := b.focus.Conference(conference.ID(made[0])); return err != nil })
	if _, err := b.focus.Conference(conference.ID(made[1])); err != nil {
		t.Error("the other one has ended, too")
	}
	for _, conf := range []string{made[0], "factory"} {
		_, err := b.client(t).Request(t.Context(), sipua.OutgoingRequest{
			Method: "REFER", URI: b.parse(conf), Headers: sipua.Headers{{Name: "Refer-To", Value: "<sip:x@y>"}, {Name: "Contact", Value: "<sip:x@127.0.0.1>"}},
		})
		if sipua.Status(err) != 404 {
			t.Errorf("REFER to %s: %v", conf, err)
		}
	}
	must(t, dialogs[1].Bye(t.Context()))
	b.await("nothing to be left", func() bool { return len(b.focus.Conferences()) == 0 })
}

// A conference of the factory may outlast its creator: as long as somebody is there, or until its time is over, though nobody may be there.
//
// Shows FO-FAC-06.
func TestFactoryLasts(t *testing.T) {
	create := func(b *bench) (string, *sipua.Dialog) {
		r := b.raw()
		dialog, response, err := r.create(nil, "application/sdp", r.describe(codecs.PCMU))
		must(t, err)
		contact, _ := response.Contact()
		conf := contact.URI.UserPart()
		b.await("the creator", func() bool { return b.find(conf, "raw").Status.Present() })
		return conf, dialog
	}
	t.Run("while used", func(t *testing.T) {
		b := newBench(t, focus.Config{Factory: "factory", FactoryLasts: focus.WhileUsed})
		conf, creator := create(b)
		guest := b.raw()
		guest.callAs("guest", conf)
		must(t, creator.Bye(t.Context()))
		b.await("the creator to be gone", func() bool { return len(b.state(conf).Participants) == 1 })
		if !b.find(conf, "guest").Status.Present() {
			t.Error("the guest is gone, too")
		}
		must(t, guest.dialog.Bye(t.Context()))
		b.await("the end", func() bool { return len(b.focus.Conferences()) == 0 })
	})
	t.Run("for a time", func(t *testing.T) {
		b := newBench(t, focus.Config{
			Factory: "factory", FactoryLasts: focus.ForDuration, Defaults: focus.ConferenceConfig{Rules: conference.Rules{MaxDuration: 5 * time.Second}},
		})
		began := time.Now()
		conf, creator := create(b)
		must(t, creator.Bye(t.Context()))
		b.await("nobody to be there", func() bool { return len(b.state(conf).Participants) == 0 })
		if closes := b.state(conf).Closes; closes.Before(began.Add(5*time.Second)) || b.state(conf).Ended {
			t.Fatalf("closes at %v, began at %v", closes, began)
		}
		b.await("its end", func() bool { return len(b.focus.Conferences()) == 0 })
		if took := time.Since(began); took < 5*time.Second {
			t.Errorf("ended after %v", took)
		}
	})
}

// Nobody makes more conferences in a minute than he may; others still can.
//
// Shows FO-FAC-10.
func TestFactoryIsBounded(t *testing.T) {
	b := newBench(t, focus.Config{Factory: "factory", Limits: focus.Limits{Creations: 2}})
	for i := range 3 {
		r := b.raw() // of the same network
		_, response, err := r.create(nil, "application/sdp", r.describe(codecs.PCMU))
		if i < 2 {
			must(t, err)
			continue
		}
		if wait, _ := sipua.RetryAfter(response); sipua.Status(err) != 503 || wait < 20*time.Second || wait > 30*time.Second {
			t.Errorf("%v, Retry-After %v", err, wait)
		}
	}
	if n := len(b.focus.Conferences()); n != 2 {
		t.Errorf("%d conferences", n)
	}
	b.vouch.Store(&sipua.Caller{User: "carol", Identity: sipua.Address{URI: b.parse("carol")}})
	other := b.raw()
	if _, _, err := other.create(nil, "application/sdp", other.describe(codecs.PCMU)); err != nil {
		t.Errorf("another caller: %v", err)
	}
}

// callAs dials under a name.
func (r *raw) callAs(name, conf string) {
	r.b.t.Helper()
	dialog, _, err := r.agent.Invite(r.b.t.Context(), sipua.OutgoingCall{
		To: sipua.Address{URI: r.b.parse(conf)}, From: sipua.Address{URI: r.agent.Contact(name)},
		ContentType: "application/sdp", Body: r.describe(codecs.PCMU),
	}, r)
	must(r.b.t, err)
	r.dialog = dialog
	r.b.await("the call to be bridged", func() bool { return r.b.find(conf, name).Status.Present() })
}

const listHead = `<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists" xmlns:cp="urn:ietf:params:xml:ns:copycontrol"><list>`

// A list of recipients is called at once, and told of each other as they wish.
//
// Shows FO-LST-01, FO-LST-02, FO-LST-06, FO-LST-07, FO-LST-08, FO-LST-09, FO-LST-12, FO-LST-13, FO-LST-14, FO-OPT-05.
func TestRecipientList(t *testing.T) {
	b := newBench(t, focus.Config{Dynamic: true, Factory: "factory", Refer: focus.ReferPolicy{Targets: []string{"bob@*", "carol@*"}}})
	bodies := make(chan *sipua.Request, 4)
	bob, carol := b.raw(), b.raw()
	reads, err := sipua.New(sipua.Config{Accept: focus.AcceptedTypes()}, answering{invite: func(call *sipua.IncomingCall) {
		bodies <- call.Request()
		bob.answer(call)
	}})
	must(t, err)
	must(t, reads.Start(t.Context()))
	b.peers = append(b.peers, func(ctx context.Context) { _ = reads.Shutdown(ctx) })
	at := reads.Addr("udp").String()
	plain := b.callee(func(call *sipua.IncomingCall) { carol.answer(call) }).Addr("udp").String()
	r := b.raw()
	list := listHead + `<entry uri="sip:bob@` + at + `" cp:copyControl="to"/><entry uri="sip:carol@` + plain + `" cp:copyControl="bcc"/></list></resource-lists>`
	offer := siprec.Part{ContentType: "application/sdp", Body: r.describe(codecs.PCMU)}
	part := func(text string) siprec.Part {
		return siprec.Part{ContentType: "application/resource-lists+xml", Disposition: "recipient-list", Body: []byte(text)}
	}
	require := sipua.Headers{{Name: "Require", Value: "recipient-list-invite"}}
	for name, c := range map[string]struct {
		parts []siprec.Part
		want  int
	}{
		"broken":   {[]siprec.Part{offer, part("<resource-lists>")}, 400},
		"stranger": {[]siprec.Part{offer, part(listHead + `<entry uri="sip:premium@example.com"/></list></resource-lists>`)}, 403},
		"missing":  {[]siprec.Part{offer}, 400},
		"type":     {[]siprec.Part{offer, {ContentType: "text/plain", Disposition: "recipient-list", Body: []byte("bob")}}, 415},
	} {
		contentType, body := siprec.BuildMultipart(c.parts)
		if _, _, err = r.create(require, contentType, body); sipua.Status(err) != c.want {
			t.Errorf("%s: %v, want %d", name, err, c.want)
		}
	}
	if n := len(b.focus.Conferences()); n != 0 {
		t.Fatalf("%d conferences are left of what was refused", n)
	}
	contentType, body := siprec.BuildMultipart([]siprec.Part{part(list), offer}) // in any order
	dialog, response, err := r.create(require, contentType, body)
	must(t, err)
	contact, _ := response.Contact()
	conf := contact.URI.UserPart()
	invite := <-bodies
	parts, err := siprec.ParseParts(invite.Headers.Get("Content-Type"), "", invite.Body)
	if err != nil || len(parts) != 2 {
		t.Fatalf("%d parts, %v:\n%s", len(parts), err, invite.Body)
	}
	if got := parts[1].Disposition; got != "recipient-list-history; handling=optional" {
		t.Errorf("Content-Disposition %q", got)
	}
	if text := string(parts[1].Body); !strings.Contains(text, "sip:bob@") || strings.Contains(text, "carol") {
		t.Errorf("the list says\n%s", text)
	}
	for _, name := range []string{"bob", "carol"} {
		b.await(name, func() bool { return b.find(conf, name).Status.Present() })
	}
	must(t, dialog.Bye(t.Context()))
	<-bob.ended
	<-carol.ended
	for user, want := range map[string]bool{"factory": true, "other": false} {
		response, failed := b.client(t).Request(t.Context(), sipua.OutgoingRequest{Method: "OPTIONS", URI: b.parse(user)})
		must(t, failed)
		if got := response.Headers.Contains("Supported", "recipient-list-invite"); got != want {
			t.Errorf("OPTIONS %s: Supported %s", user, response.Headers.Get("Supported"))
		}
	}
}

// A list of recipients is for a call that makes a conference: elsewhere its option is not known, and nobody is called.
//
// Shows FO-LST-03.
func TestRecipientListElsewhere(t *testing.T) {
	b := newBench(t, focus.Config{Dynamic: true, Factory: "factory", Refer: focus.ReferPolicy{Targets: []string{"*"}}})
	r := b.raw()
	require := sipua.Headers{{Name: "Require", Value: "recipient-list-invite"}}
	dialog, _, err := r.create(nil, "application/sdp", r.describe(codecs.PCMU))
	must(t, err)
	contentType, body := siprec.BuildMultipart([]siprec.Part{
		{ContentType: "application/sdp", Body: r.describe(codecs.PCMU)},
		{
			ContentType: "application/resource-lists+xml", Disposition: "recipient-list",
			Body: []byte(listHead + `<entry uri="sip:bob@` + r.agent.Addr("udp").String() + `"/></list></resource-lists>`),
		},
	})
	check := func(name string, response *sipua.Response, err error) {
		t.Helper()
		if refused, ok := errors.AsType[*sipua.StatusError](err); ok {
			response = refused.Response
		}
		if response == nil || response.Status != 420 || response.Headers.Get("Unsupported") != "recipient-list-invite" {
			t.Errorf("%s: %+v, %v", name, response, err)
		}
	}
	response, err := dialog.ReInvite(t.Context(), sipua.Body{ContentType: contentType, Data: body, Headers: require})
	check("a re-INVITE", response, err)
	// A phone that takes no notice of our Contact sends its re-INVITE to where it has called.
	again := &sipua.Request{Method: "INVITE", URI: b.parse("factory"), Headers: require}
	if got := focus.SupportedFor("factory")(again); !slices.Contains(got, "recipient-list-invite") {
		t.Errorf("at the factory: %q", got)
	}
	again.To = sipua.Address{URI: again.URI}.With("tag", "1")
	if got := focus.SupportedFor("factory")(again); len(got) > 0 {
		t.Errorf("in a dialog with the factory: %q", got)
	}
	other := b.raw()
	_, response, err = other.agent.Invite(t.Context(), sipua.OutgoingCall{
		To: sipua.Address{URI: b.parse("room")}, Headers: require, ContentType: contentType, Body: body,
	}, other)
	check("at a conference", response, err)
	if all := b.focus.Conferences(); len(all) != 1 || len(all[0].Participants) != 1 {
		t.Errorf("conferences %+v", all)
	}
}
