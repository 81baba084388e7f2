package config

// Audio is what is done to the sound.
type Audio struct {
	AGC       AGC       `yaml:"agc"`
	NoiseGate NoiseGate `yaml:"noise_gate"`
	DCRemoval bool      `yaml:"dc_removal"`
	LookAhead bool      `yaml:"limiter_lookahead"` // of 2.5 ms, by which everything is delayed
	GapNoise  bool      `yaml:"gap_noise"`         // in the pauses of who has spoken last his background is heard, made up where nothing comes
}

// AGC brings participants to the same loudness. Zero values mean those of conference_defaults.
type AGC struct {
	Enabled bool `yaml:"enabled"`
	Target  int  `yaml:"target"`   // level of speech in dBov
	MaxGain int  `yaml:"max_gain"` // dB, both ways
	Rate    int  `yaml:"rate"`     // dB/s by which it rises at most; it falls four times as fast
}

// NoiseGate leaves out of the mix what is no more than background noise.
type NoiseGate struct {
	Enabled   bool `yaml:"enabled"`
	Threshold int  `yaml:"threshold"` // level in dBov at which it opens; 0: that of conference_defaults
}

// Prompts says where what the service says comes from.
type Prompts struct {
	Dir      string `yaml:"dir"`      // has a directory for each language, with NAME.opus or NAME.wav; empty: what is built in
	Language string `yaml:"language"` // its subdirectory
}

// checkAudio leaves zeros alone where they stand for the defaults.
func (r *reader) checkAudio(key string, a *Audio, zero bool) {
	for _, limit := range []struct {
		key                string
		value, least, most int
	}{
		{".agc.target", a.AGC.Target, -60, -1},
		{".agc.max_gain", a.AGC.MaxGain, 1, 24},
		{".agc.rate", a.AGC.Rate, 1, 60},
		{".noise_gate.threshold", a.NoiseGate.Threshold, -90, -20},
	} {
		if (limit.value < limit.least || limit.value > limit.most) && (limit.value != 0 || !zero) {
			r.fail(key+limit.key, "wants %d to %d, has %d", limit.least, limit.most, limit.value)
		}
	}
}
