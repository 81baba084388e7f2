package siprec

import (
	"reflect"
	"testing"
	"time"
)

// Whatever changes in what is wanted, it is seen, however deep it stands: with a field that is forgotten a recorder would not be told.
func TestDesireEqual(t *testing.T) {
	made := func() *Desire {
		var d Desire
		fill(reflect.ValueOf(&d).Elem())
		return &d
	}
	if !made().equal(made()) {
		t.Fatal("the same is not equal")
	}
	n := 0
	for changed := true; changed; n++ {
		d := made()
		left := n
		var where string
		if changed = alter(reflect.ValueOf(d).Elem(), "Desire", &left, &where); changed && d.equal(made()) {
			t.Errorf("%s makes no difference", where)
		}
	}
	if n < 60 {
		t.Errorf("%d fields", n)
	}
	for _, d := range []*Desire{{Streams: []StreamWish{{Members: []ID{}}}}, {Streams: []StreamWish{{Senders: []ID{}}}}} {
		if d.equal(&Desire{Streams: make([]StreamWish, 1)}) {
			t.Errorf("%+v: nobody is everybody", d)
		}
	}
}

// fill gives every list an element and every time a value.
func fill(v reflect.Value) {
	switch {
	case v.Type() == reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(time.Unix(1, 0)))
	case v.Kind() == reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case v.Kind() == reflect.Struct:
		for _, field := range v.Fields() {
			fill(field)
		}
	}
}

// alter changes the leaf with a number, and tells which that was; false: there are not so many. The streams of a roster do not count.
func alter(v reflect.Value, name string, left *int, where *string) bool {
	switch {
	case v.Type() == reflect.TypeFor[[]RosterStream]():
		return false
	case v.Type() == reflect.TypeFor[time.Time](), v.Kind() != reflect.Slice && v.Kind() != reflect.Struct:
		if *left--; *left >= 0 {
			return false
		}
		*where = name
		switch v.Interface().(type) {
		case time.Time:
			v.Set(reflect.ValueOf(time.Unix(2, 0)))
		default:
			change(v)
		}
		return true
	case v.Kind() == reflect.Slice:
		return alter(v.Index(0), name+"[0]", left, where)
	}
	for i := range v.NumField() {
		if alter(v.Field(i), name+"."+v.Type().Field(i).Name, left, where) {
			return true
		}
	}
	return false
}

func change(v reflect.Value) {
	switch {
	case v.CanInt():
		v.SetInt(v.Int() + 1)
	case v.CanUint():
		v.SetUint(v.Uint() + 1)
	case v.Kind() == reflect.Bool:
		v.SetBool(!v.Bool())
	case v.Kind() == reflect.String:
		v.SetString(v.String() + "x")
	}
}
