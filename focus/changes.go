package focus

import (
	"slices"
	"strings"

	"github.com/parley-sip/parley/focus/conference"
)

// change is an event in the making.
type change struct {
	kind   EventType
	object any
}

// changes are the events that lead from one version to the next, in the order in which an application wants to hear them.
func changes(old, next *conference.State) []change {
	var list []change
	add := func(kind EventType, object any) { list = append(list, change{kind, object}) }
	if next.Active && !old.Active {
		add(ConferenceStarted, DescribeConference(next))
	}
	if settingsDiffer(old, next) {
		add(ConferenceUpdated, DescribeConference(next))
	}
	for before, p := range conference.Changed(old, next) {
		if p == nil {
			continue // he is among the departed
		}
		known := before != nil
		if !known {
			before = &conference.Participant{}
		}
		switch {
		case p.Present() && !before.Present():
			add(ParticipantJoined, DescribeParticipant(next, p))
		case p.Waiting() && !before.Waiting():
			add(ParticipantWaiting, DescribeParticipant(next, p))
		case known && *before != *p:
			add(ParticipantUpdated, DescribeParticipant(next, p))
		}
	}
	for i := range next.Departed {
		add(ParticipantLeft, DescribeParticipant(next, next.Departed[i]))
	}
	if !slices.Equal(old.Speakers, next.Speakers) || old.Dominant != next.Dominant {
		add(SpeakerChanged, SpeakersInfo{Speakers: append([]conference.ParticipantID{}, next.Speakers...), Dominant: next.Dominant})
	}
	list = append(list, recordingChanges(old, next)...)
	if old.Active && !next.Active {
		add(ConferenceEnded, DescribeConference(next))
	}
	return list
}

func settingsDiffer(a, b *conference.State) bool {
	return a.Name != b.Name || a.Locked != b.Locked || a.MutedOnEntry != b.MutedOnEntry || a.MaxParticipants != b.MaxParticipants || !sameSidebars(a, b) ||
		a.Rules != b.Rules || !a.EndsAt.Equal(b.EndsAt)
}

// recordingChanges are the events of recordings.
func recordingChanges(old, next *conference.State) []change {
	var list []change
	for i := range next.Recordings {
		r := &next.Recordings[i]
		before, _ := old.Recording(r.ID)
		if kind := recordingChange(&before, r); kind != "" {
			list = append(list, change{kind, DescribeRecording(next.ID, r)})
		}
		if r.Degraded && !before.Degraded && r.State != conference.RecordingFailed {
			list = append(list, change{RecordingDegraded, DescribeRecording(next.ID, r)})
		}
	}
	return list
}

// recordingChange is the event of a new acknowledged state, "" for none.
func recordingChange(old, next *conference.Recording) EventType {
	if old.State == next.State {
		return ""
	}
	switch next.State {
	case conference.RecordingActive:
		if old.State == conference.RecordingPaused {
			return RecordingResumed
		}
		return RecordingStarted
	case conference.RecordingPaused:
		return RecordingPaused
	case conference.RecordingFailed:
		return RecordingFailed
	case conference.RecordingStopped:
		return RecordingStopped
	case conference.RecordingStarting, conference.RecordingStopping, conference.RecordingStandby:
		return ""
	default:
		return ""
	}
}

func sortStreams(list []StreamInfo) {
	slices.SortFunc(list, func(a, b StreamInfo) int {
		if n := strings.Compare(a.Server, b.Server); n != 0 {
			return n
		}
		if n := len(a.Label) - len(b.Label); n != 0 { // labels are numbers
			return n
		}
		return strings.Compare(a.Label, b.Label)
	})
}
