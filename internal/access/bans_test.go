package access_test

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-sip/parley/internal/access"
)

// customer is the address of one of many customers, each with a network of their own.
func customer(n int) netip.Addr {
	address := [16]byte{0: 0x20, 1: 0x01, 2: 0x0d, 3: 0xb8, 15: 1}
	binary.BigEndian.PutUint32(address[4:], uint32(n))
	return netip.AddrFrom16(address)
}

// Mistakes that are far apart are no guessing, and no ban is longer than the longest.
func TestBanLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := gate(t, access.Config{Failures: 3, Window: time.Minute, Ban: time.Minute, MaxBan: 3 * time.Minute})
		source := netip.MustParseAddr("192.0.2.1")
		for range 3 {
			for range 2 {
				if g.Guessed(source) {
					t.Fatal("banned for mistakes that are far apart")
				}
			}
			<-time.After(61 * time.Second)
		}
		for round, minutes := range []int{1, 2, 3, 3, 3} {
			for i := range 3 {
				if g.Guessed(source) != (i == 2) {
					t.Fatalf("round %d, guess %d", round, i)
				}
			}
			<-time.After(time.Duration(60*minutes-1) * time.Second)
			if !g.Banned(source) {
				t.Errorf("round %d: banned too short", round)
			}
			<-time.After(2 * time.Second)
			if g.Banned(source) {
				t.Errorf("round %d: banned too long", round)
			}
		}
	})
}

// The operator sees whom a ban concerns and until when, the next one to come back first, and learns whether there was one to lift.
func TestBansAreListed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := gate(t, access.Config{Failures: 1})
		for _, n := range []string{"192.0.2.2", "192.0.2.1", "2001:db8:1:2:3::4"} {
			g.Guessed(netip.MustParseAddr(n))
			<-time.After(time.Second)
		}
		bans := g.Bans()
		want := []string{"192.0.2.2/32", "192.0.2.1/32", "2001:db8:1:2::/64"}
		if len(bans) != len(want) {
			t.Fatalf("%+v", bans)
		}
		for i, b := range bans {
			if b.Source != netip.MustParsePrefix(want[i]) || b.Times != 1 || time.Until(b.Until) != time.Minute-time.Duration(3-i)*time.Second {
				t.Errorf("%d: %+v", i, b)
			}
		}
		if !g.Banned(netip.MustParseAddr("2001:db8:1:2::9")) {
			t.Error("the customer has another address")
		}
		again := netip.MustParseAddr("192.0.2.1")
		if !g.Unban(again) || g.Unban(again) || g.Unban(netip.MustParseAddr("192.0.2.9")) {
			t.Error("lifted: not once")
		}
		<-time.After(2 * time.Minute)
		if g.Unban(netip.MustParseAddr("192.0.2.2")) || len(g.Bans()) != 0 {
			t.Error("a ban that is over was lifted")
		}
	})
}

// A source that is allowed from now on is heard, whatever it did before.
func TestAllowedAfterBan(t *testing.T) {
	config := access.Config{Failures: 1}
	g := gate(t, config)
	source := netip.MustParseAddr("192.0.2.1")
	if g.Guessed(source); !g.Banned(source) {
		t.Fatal("not banned")
	}
	config.Networks = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	if err := g.Set(config); err != nil || g.Banned(source) {
		t.Errorf("%v, banned %v", err, g.Banned(source))
	}
}

// However many sources guess, memory is bounded, and what is forgotten first are those whose time is over.
func TestBansAreBounded(t *testing.T) {
	const most = 1 << 15
	synctest.Test(t, func(t *testing.T) {
		g := gate(t, access.Config{Failures: 1})
		for n := range most + 100 {
			g.Guessed(customer(n))
		}
		if n := len(g.Bans()); n != most {
			t.Errorf("%d are banned", n)
		}
		<-time.After(2 * time.Hour)
		for n := range most / 2 {
			g.Guessed(customer(2*most + n))
		}
		if n := len(g.Bans()); n != most/2 {
			t.Errorf("%d fresh ones are banned", n)
		}
	})
}
