package srs

// An expectation is what has to come of a vendor's session.
type expectation struct {
	files  []string
	who    []string // name or address of the participants
	issues []string // of the document; nil: none
	strict []string // reasons of strict mode beyond those; nil and no issues: it is taken
}

// vendors are the sessions of testdata/vendors.
var vendors = map[string]expectation{
	"cisco-cube": {
		files: []string{"1-Ann-Field.wav", "2-14085550122.wav"}, who: []string{"Ann Field", "sip:+14085550122@192.0.2.30"},
		issues: []string{"missing-time: participantstreamassoc"},
	},
	"audiocodes": {
		files: []string{"1-Bea.wav", "2-4155550102-example.com.wav"}, who: []string{"Bea", "4155550102@example.com"},
		issues: []string{
			"dialect: recording: namespace", "attribute id for session_id", "send inside of a participant", "unknown element in participant",
		},
		strict: []string{"no +sip.src outside"},
	},
	"oracle": {
		files: []string{"33554433-Caller.wav", "33554434-Agent.wav"}, who: []string{"Caller", "Agent"},
		issues: []string{"dialect: dataMode", "time is not RFC 3339", "unknown element in stream", "attribute id for participant_id", "dialect: mode"},
	},
	"ribbon": {
		files: []string{"1-7325550143.wav", "2-9785550144.wav"}, who: []string{"sip:7325550143@192.0.2.40", "sip:9785550144@192.0.2.41"},
		issues: []string{"dialect: recording: namespace", "attribute id for stream_id", "recv inside of a participant"},
	},
	"metaswitch": {
		files: []string{"1-Ida.wav", "2-Joe.wav"}, who: []string{"Ida", "Joe"},
		issues: []string{"dialect: recording: namespace", "session inside of a participant"},
		strict: []string{"m-line 1 is sendrecv", "m-line 2 is sendrecv"},
	},
	"avaya": {
		files: []string{"11-Station-1001.wav", "12-Station-2002.wav"}, who: []string{"Station 1001", "Station 2002"},
		issues: []string{"dialect: dataMode", "identifier is no UUID", "time is not RFC 3339", "bad-id: participant"},
		strict: []string{"no +sip.src outside", "m-line 2 is sendrecv"},
	},
	"broadworks": {
		files: []string{"1-2405550191.wav", "2-2405550192.wav"}, who: []string{"sip:2405550191@example.com", "sip:2405550192@example.com"},
		issues: []string{"dialect: recording_metadata", "identifier is not in base64", "unknown element in session"},
		strict: []string{"no +sip.src outside"},
	},
	"opensips": {
		files: []string{"0-op-1.wav", "1-8002.wav"}, who: []string{"op-1", "sip:8002@example.com"},
		issues: []string{"time is not RFC 3339"},
	},
	"jambonz": {
		files: []string{"1-15085550181.wav", "2-15085550182.wav"}, who: []string{"15085550181", "15085550182"},
		issues: []string{"missing-time: participantstreamassoc"},
	},
	"sems": {
		files: []string{"1-eva.wav", "2-fox.wav"}, who: []string{"sip:eva@example.com", "sip:fox@example.com"},
		issues: []string{"missing-time: participantstreamassoc"},
	},
	"srtp-sdes": {files: []string{"1-caller.wav", "2-agent.wav"}, who: []string{"sip:caller@example.com", "sip:agent@example.com"}},
}
