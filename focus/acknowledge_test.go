package focus

import (
	"errors"
	"testing"
	"time"

	"github.com/parley-sip/parley/focus/conference"
)

// What is not whole can be acknowledged once it is over; that lapses when it becomes worse.
func TestAcknowledgeRecording(t *testing.T) {
	f := &Focus{}
	now := time.Date(2026, 3, 4, 5, 6, 7, 123456789, time.UTC)
	first := f.assurance.open("1000", &conference.Recording{ID: "r1"}, now)
	kept := f.assurance.newCopy(first)
	f.assurance.add(kept, "a", 3, 2, 0)
	by := &Acknowledgement{By: "Jane"}
	if _, err := f.AcknowledgeRecording("1000", "r1", by); !errors.Is(err, ErrConflict) {
		t.Errorf("while it goes on: %v", err)
	}
	f.assurance.end(first, now, false)
	again := f.assurance.open("1000", &conference.Recording{ID: "r2"}, now.Add(time.Hour))
	f.assurance.add(f.assurance.newCopy(again), "a", 3, 0, 0)
	f.assurance.end(again, now, false)
	if _, err := f.AcknowledgeRecording("1000", "r2", by); !errors.Is(err, ErrConflict) {
		t.Errorf("of one that is whole: %v", err)
	}
	for _, where := range [][2]string{{"1000", "r3"}, {"1001", "r1"}} {
		if _, err := f.AcknowledgeRecording(conference.ID(where[0]), conference.RecordingID(where[1]), by); !errors.Is(err, ErrNoRecording) {
			t.Errorf("%v: %v", where, err)
		}
	}
	got, err := f.AcknowledgeRecording("1000", "r1", by)
	if err != nil || got.Acknowledged == nil || got.Acknowledged.By != "Jane" || got.Acknowledged.Verdict != "pending" || got.Verdict != "pending" {
		t.Errorf("%+v, %v", got, err)
	}
	list := f.Assurance()
	if len(list) != 2 || list[0].Acknowledged == nil || list[1].Acknowledged != nil {
		t.Errorf("in the list: %+v", list)
	}
	f.assurance.unspool(kept, 1)
	if got = f.Assurance()[0]; got.Verdict != "partial" || got.Acknowledged != nil {
		t.Errorf("after it has become worse: %+v", got)
	}
	if got, err = f.AcknowledgeRecording("1000", "r1", by); err != nil || got.Acknowledged == nil || got.Acknowledged.Verdict != "partial" {
		t.Errorf("once more: %+v, %v", got, err)
	}
	if got, err = f.AcknowledgeRecording("1000", "r1", nil); err != nil || got.Acknowledged != nil {
		t.Errorf("taken back: %+v, %v", got, err)
	}
}

// A recording that waited in the spool and was delivered is whole: that somebody had seen it waiting stays as it was.
func TestAcknowledgementOfWhatIsWholeLater(t *testing.T) {
	f := &Focus{}
	record := f.assurance.open("1000", &conference.Recording{ID: "r1"}, time.Now())
	f.assurance.add(f.assurance.newCopy(record), "a", 0, 2, 0)
	f.assurance.end(record, time.Now(), false)
	if _, err := f.AcknowledgeRecording("1000", "r1", &Acknowledgement{}); err != nil {
		t.Fatal(err)
	}
	f.assurance.delivered("1000", "r1", "a", 2)
	if got := f.Assurance()[0]; got.Verdict != "complete" || got.Acknowledged == nil || got.Acknowledged.Verdict != "pending" {
		t.Errorf("%+v", got)
	}
}

// A recording that no server would have any more is not whole, though all that was captured until then has arrived.
func TestFailedForGoodIsNotWhole(t *testing.T) {
	for failed, want := range map[bool]string{false: "complete", true: "partial"} {
		f := &Focus{}
		record := f.assurance.open("1000", &conference.Recording{ID: "r1"}, time.Now())
		f.assurance.add(f.assurance.newCopy(record), "a", 500, 0, 0)
		f.assurance.end(record, time.Now(), failed)
		if got := f.Assurance()[0]; got.Verdict != want {
			t.Errorf("failed %t: %+v", failed, got)
		}
	}
}
