package sdp

// fillStatic gives a payload type without a=rtpmap what RFC 3551, section 6, assigns to its number.
func (p *PayloadType) fillStatic() {
	if p.Name != "" {
		return
	}
	for _, s := range staticPayloadTypes {
		if s.Number == p.Number {
			p.Name, p.ClockRate, p.Channels = s.Name, s.ClockRate, s.Channels
			return
		}
	}
}

//nolint:gochecknoglobals // table of RFC 3551, section 6
var staticPayloadTypes = []PayloadType{
	{Number: 0, Name: "PCMU", ClockRate: 8000, Channels: 1},
	{Number: 3, Name: "GSM", ClockRate: 8000, Channels: 1},
	{Number: 4, Name: "G723", ClockRate: 8000, Channels: 1},
	{Number: 5, Name: "DVI4", ClockRate: 8000, Channels: 1},
	{Number: 6, Name: "DVI4", ClockRate: 16000, Channels: 1},
	{Number: 7, Name: "LPC", ClockRate: 8000, Channels: 1},
	{Number: 8, Name: "PCMA", ClockRate: 8000, Channels: 1},
	{Number: 9, Name: "G722", ClockRate: 8000, Channels: 1},
	{Number: 10, Name: "L16", ClockRate: 44100, Channels: 2},
	{Number: 11, Name: "L16", ClockRate: 44100, Channels: 1},
	{Number: 12, Name: "QCELP", ClockRate: 8000, Channels: 1},
	{Number: 13, Name: "CN", ClockRate: 8000, Channels: 1},
	{Number: 14, Name: "MPA", ClockRate: 90000, Channels: 1},
	{Number: 15, Name: "G728", ClockRate: 8000, Channels: 1},
	{Number: 16, Name: "DVI4", ClockRate: 11025, Channels: 1},
	{Number: 17, Name: "DVI4", ClockRate: 22050, Channels: 1},
	{Number: 18, Name: "G729", ClockRate: 8000, Channels: 1},
	{Number: 25, Name: "CelB", ClockRate: 90000, Channels: 1},
	{Number: 26, Name: "JPEG", ClockRate: 90000, Channels: 1},
	{Number: 28, Name: "nv", ClockRate: 90000, Channels: 1},
	{Number: 31, Name: "H261", ClockRate: 90000, Channels: 1},
	{Number: 32, Name: "MPV", ClockRate: 90000, Channels: 1},
	{Number: 33, Name: "MP2T", ClockRate: 90000, Channels: 1},
	{Number: 34, Name: "H263", ClockRate: 90000, Channels: 1},
}
