package config

import "time"

// Config is everything that parley.yml can say. Default has the values of an empty file.
type Config struct {
	Log                Log                `yaml:"log"`
	SIP                SIP                `yaml:"sip"`
	Media              Media              `yaml:"media"`
	ConferenceDefaults ConferenceDefaults `yaml:"conference_defaults"`
	Conferences        []Conference       `yaml:"conferences"`
	Prompts            Prompts            `yaml:"prompts"`
	Access             []Access           `yaml:"access"`
	Door               Door               `yaml:"door"`
	Menus              Menus              `yaml:"menus"`
	Recording          Recording          `yaml:"recording"`
	SRS                SRS                `yaml:"srs"`
	Events             Events             `yaml:"events"`
	CDR                CDR                `yaml:"cdr"`
	HTTP               HTTP               `yaml:"http"`
	Limits             Limits             `yaml:"limits"`
	Shutdown           Shutdown           `yaml:"shutdown"`
}

// Log says what is logged and how.
type Log struct {
	Level  string `yaml:"level" accept:"debug,info,warn,error"`
	Format string `yaml:"format" accept:"text,json"`
}

// SIP configures signalling.
type SIP struct {
	Listen          []string      `yaml:"listen"`           // transport://host:port
	Domain          string        `yaml:"domain"`           // host part of conference URIs; empty: the address that was called
	ExternalAddress string        `yaml:"external_address"` // put into Contact and Via when behind NAT
	Allow           []string      `yaml:"allow"`            // CIDRs that may call without credentials; empty: nobody
	TLS             TLS           `yaml:"tls"`
	Origins         []string      `yaml:"origins"`  // hosts of web pages that may use ws and wss, with * as wildcard
	Resolver        []string      `yaml:"resolver"` // DNS servers, host:port; empty: those of the system
	Users           []User        `yaml:"users"`
	Realm           string        `yaml:"realm"`                       // of their passwords
	Digest          []string      `yaml:"digest" accept:"SHA-256,MD5"` // algorithms of challenges, in this order
	Bans            Bans          `yaml:"bans"`
	Trunks          []Trunk       `yaml:"trunks"`
	DialOut         DialOut       `yaml:"dial_out"`
	SessionTimer    SessionTimer  `yaml:"session_timer"`
	Ring            time.Duration `yaml:"ring"`    // how long it rings before a caller is answered; 0: not at all
	Factory         string        `yaml:"factory"` // user part at which a call makes a conference of its own; empty: none
	// FactoryLasts says when such a conference ends: with its creator, when it is empty, or when max_duration is over, even if nobody is there.
	FactoryLasts string `yaml:"factory_lasts" accept:"creator,empty,duration"`
	Refer        Refer  `yaml:"refer"`
	// Takeover says who may take the place of a call, or join it, by naming it: who has an account or is a trunk, or anyone who may call.
	Takeover string `yaml:"takeover" accept:"authenticated,anyone"`
	// Replaces says who of them may take the place of somebody else's call: who may call the conference, who says moreover by Referred-By that he was sent by
	// whose place it is, or nobody.
	Replaces string `yaml:"replaces" accept:"admitted,referred,own"`
}

// TLS names files in PEM format, for tls:// and wss:// listeners and for connections that we make.
type TLS struct {
	Cert              string `yaml:"cert"` // with those that lead to its authority
	Key               Secret `yaml:"key"`
	ClientCA          string `yaml:"client_ca"` // who may have signed certificates of clients; empty: clients are not asked
	RequireClientCert bool   `yaml:"require_client_cert"`
	CA                string `yaml:"ca"`        // who may have signed certificates of servers; empty: the system's
	Wildcards         bool   `yaml:"wildcards"` // *.example.com stands for sip.example.com, against RFC 5922
}

// Refer says who may have somebody called out by SIP, and whom.
type Refer struct {
	From    string   `yaml:"from" accept:"moderators,participants,anyone,nobody"`
	Targets []string `yaml:"targets"` // patterns of user@host; empty: nobody
}

// SessionTimer configures RFC 4028.
type SessionTimer struct {
	Default time.Duration `yaml:"default"` // proposed; 0: none
	Min     time.Duration `yaml:"min"`     // shorter sessions are refused with 422
}

// Media configures RTP.
type Media struct {
	ListenAddress   string        `yaml:"listen_address"`
	ExternalAddress string        `yaml:"external_address"`
	Ports           []int         `yaml:"ports"`  // lowest and highest
	Codecs          []string      `yaml:"codecs"` // in order of preference
	SRTP            string        `yaml:"srtp" accept:"disabled,optional,required"`
	SDESInClear     bool          `yaml:"sdes_in_clear"`                        // keys over SIP that is not TLS, too
	DTLS            string        `yaml:"dtls" accept:"disabled,accept,prefer"` // keys by handshake: not, where offered or needed, in all offers
	Opportunistic   bool          `yaml:"opportunistic"`                        // keys in RTP/AVP (RFC 8643) with srtp: optional
	ICE             string        `yaml:"ice" accept:"disabled,answer,offer"`
	RTCPXR          string        `yaml:"rtcp_xr" accept:"disabled,answer,offer"`    // extended reports (RFC 3611)
	Redundancy      string        `yaml:"redundancy" accept:"disabled,answer,offer"` // earlier packets again (RFC 2198), by the loss that is reported
	Symmetric       bool          `yaml:"symmetric"`
	JitterBuffer    JitterBuffer  `yaml:"jitter_buffer"`
	Opus            Opus          `yaml:"opus"`
	HideLevels      bool          `yaml:"hide_levels"`   // no header extensions with the levels of audio
	ComfortNoise    bool          `yaml:"comfort_noise"` // instead of silence, to those with G.711 who take it
	Timeout         time.Duration `yaml:"timeout"`       // without media, after which the far end is asked whether it is there; 0: never
	Workers         int           `yaml:"workers"`       // mixer threads; 0: one per processor
	IOUring         bool          `yaml:"io_uring"`      // system calls of packets together, where the system allows it
}

// JitterBuffer bounds the delay it may add.
type JitterBuffer struct {
	Min time.Duration `yaml:"min"`
	Max time.Duration `yaml:"max"`
}

// Opus sets the encoders toward participants.
type Opus struct {
	Bitrate    int  `yaml:"bitrate"`    // bit/s
	Complexity int  `yaml:"complexity"` // 0 to 10
	DTX        bool `yaml:"dtx"`        // leave out silence toward those who ask for that
}

// ConferenceDefaults apply where a conference does not say otherwise, and to dynamic ones.
type ConferenceDefaults struct {
	MaxParticipants int             `yaml:"max_participants"` // 0: no limit
	Dynamic         bool            `yaml:"dynamic"`          // any dialled user part creates its conference
	Allow           []string        `yaml:"allow"`            // networks, user:, role:, trunk:, or user@host with * ; empty: everybody whom sip lets in
	Deny            []string        `yaml:"deny"`             // goes first
	PIN             Secret          `yaml:"pin"`              // who calls in has to enter it; empty: nobody
	ModeratorPIN    Secret          `yaml:"moderator_pin"`    // makes who enters it a moderator
	MaxSpeakers     int             `yaml:"max_speakers"`     // 0: everybody is heard
	Entry           string          `yaml:"entry" accept:"none,tone,announce"`
	MutedOnEntry    bool            `yaml:"muted_on_entry"`
	EmptyTimeout    time.Duration   `yaml:"empty_timeout"` // how long an empty dynamic conference lives on
	Host            *Host           `yaml:"host"`          // who offers the conferences, in conference events
	Roster          Roster          `yaml:"roster"`
	Recording       RecordingPolicy `yaml:"recording"`
	Audio           Audio           `yaml:"audio"`
	PassDTMF        bool            `yaml:"pass_dtmf"` // key presses, to the other participants

	Life // its keys stand among these
}

// Conference is a static one.
type Conference struct {
	ID              string           `yaml:"id"`
	Name            string           `yaml:"name"`
	PIN             Secret           `yaml:"pin"` // empty: as conference_defaults say; none: there is none
	ModeratorPIN    Secret           `yaml:"moderator_pin"`
	MaxParticipants *int             `yaml:"max_participants"`
	MaxSpeakers     *int             `yaml:"max_speakers"`
	MutedOnEntry    *bool            `yaml:"muted_on_entry"`
	Locked          bool             `yaml:"locked"`
	Opens           string           `yaml:"opens"`  // when callers are let in, such as 2026-12-01T09:00:00Z; empty: always
	Closes          string           `yaml:"closes"` // when it ends for good
	Allow           []string         `yaml:"allow"`  // who may enter; nil: as conference_defaults say
	Deny            []string         `yaml:"deny"`   // who may not
	About           *About           `yaml:"about"`
	Roster          *Roster          `yaml:"roster"` // what it does not say is as in conference_defaults
	Recording       *RecordingPolicy `yaml:"recording"`
	Audio           *Audio           `yaml:"audio"` // instead of all of conference_defaults.audio
	PassDTMF        *bool            `yaml:"pass_dtmf"`
	Entry           string           `yaml:"entry" accept:"none,tone,announce"` // empty: as conference_defaults say, as with all below
	DialOut         CallList         `yaml:"dial_out"`

	LifeOverrides // its keys stand among these
}

// RecordingPolicy says when and how a conference is recorded.
type RecordingPolicy struct {
	Policy    string   `yaml:"policy" accept:"always,on_demand,never"`
	Mode      []string `yaml:"mode" accept:"mixed,separate,pair"`
	Pair      string   `yaml:"pair" accept:"first,moderators"` // who is on the first of the two streams of the mode pair
	Servers   []string `yaml:"servers"`
	Select    string   `yaml:"select" accept:"parallel,failover,balance"` // all record; the first ones, the others stand by; the least busy ones
	Copies    int      `yaml:"copies"`                                    // how many record at once with failover and balance; 0: one
	Spool     *bool    `yaml:"spool"`                                     // keep on disk what no recorder takes; true where there is a spool
	Quorum    int      `yaml:"quorum"`                                    // with fewer copies on_failure applies; 0: one
	OnFailure string   `yaml:"on_failure" accept:"continue,notify,terminate"`
	Exclusion string   `yaml:"exclusion" accept:"allowed,forbidden"` // whether participants may be left out
	Keys      string   `yaml:"keys" accept:"keep,suppress,mask"`     // what recordings hold of pressed keys
	Masking   string   `yaml:"masking" accept:"silence,tone"`        // what recordings hold of who is masked
	Sidebars  string   `yaml:"sidebars" accept:"none,same"`          // whether sidebars are recorded like their conference
	Text      string   `yaml:"text" accept:"keep,none"`              // whether real-time text is recorded, where there is some
	// Preferences says whose a=recordpref is honoured: a moderator's or everybody's for the conference, or everybody's for himself.
	Preferences string `yaml:"preferences" accept:"moderators,everybody,self,ignored"`
}

// Recording lists the recorders and how participants are told.
type Recording struct {
	Servers       []RecordingServer `yaml:"servers"`
	AllowInsecure bool              `yaml:"allow_insecure"` // recordings may be less protected than calls: the path is protected otherwise
	Hold          time.Duration     `yaml:"hold"`           // audio kept of each stream until a recorder takes it; 0: none
	Spool         Spool             `yaml:"spool"`
	Passthrough   bool              `yaml:"passthrough"` // a participant's payloads go to the recorder as they came, where it takes his codec
	Notification  Notification      `yaml:"notification"`
	Rules         []RecordingRule   `yaml:"rules"` // go before the policies of conferences
	Seal          Seal              `yaml:"seal"`
}

// Seal signs what recorders were sent, so that it can be proved later.
type Seal struct {
	Directory string `yaml:"directory"` // where manifests are kept; empty: nothing is sealed
	KeyFile   string `yaml:"key_file"`  // Ed25519 in PEM (PKCS #8); empty: seal.key in the directory, made if it is not there
}

// Notification is how participants whose phone is not record-aware learn that they are recorded. It cannot be switched off.
type Notification struct {
	Tone         bool          `yaml:"tone"`
	ToneInterval time.Duration `yaml:"tone_interval"`
	Announce     bool          `yaml:"announce"`
}

// SRS is the embedded reference recorder, or the one of `parley srs`.
type SRS struct {
	Enabled   bool     `yaml:"enabled"`
	Listen    []string `yaml:"listen"`
	Directory string   `yaml:"directory"`
	Format    string   `yaml:"format" accept:"wav,opus,native"`          // of the files of streams
	TLS       TLS      `yaml:"tls"`                                      // of tls:// in listen
	SRTP      string   `yaml:"srtp" accept:"disabled,optional,required"` // taken where it is offered, or nothing else
	DTLS      string   `yaml:"dtls" accept:"disabled,accept"`            // its keys by handshake: not, or where offered
	Strict    bool     `yaml:"strict"`                                   // what breaks the RFCs is refused

	HTTPListen   string        `yaml:"http_listen"` // of the API of parley srs; empty: none. In parley serve it is part of http
	Signing      Signing       `yaml:"signing"`
	MinFree      Size          `yaml:"min_free"`      // free disk below which no recording begins
	Sync         time.Duration `yaml:"sync"`          // how often files are forced to the disk; 0: at their end
	ComfortNoise bool          `yaml:"comfort_noise"` // clients may send it where streams of G.711 are silent
	PacketTime   time.Duration `yaml:"packet_time"`   // asked of clients, where the codec codes each sample by itself
	Retention    Retention     `yaml:"retention"`
}

// Retention says when recordings are deleted.
type Retention struct {
	Age  time.Duration `yaml:"age"`  // 0: never
	Size Size          `yaml:"size"` // of all together; 0: any
}

// Signing is what exported containers are signed with.
type Signing struct {
	Key  string `yaml:"key"`  // file: private key in PEM (PKCS #8); empty: nothing is signed
	Cert string `yaml:"cert"` // file: its certificates in PEM
}

// Size is a number of octets.
type Size int64

// Events configures conference events.
type Events struct {
	MinInterval time.Duration `yaml:"min_interval"` // between two NOTIFYs of a subscription
	NotifyRate  int           `yaml:"notify_rate"`  // NOTIFYs about changes in a second, of all subscriptions
	Webhooks    []Webhook     `yaml:"webhooks"`
	Undelivered string        `yaml:"undelivered"` // folder for what webhooks have not taken in the end; empty: it is given up
}

// HTTP configures the API.
type HTTP struct {
	Listen string  `yaml:"listen"`
	Tokens []Token `yaml:"tokens"`
	Page   bool    `yaml:"page"` // the operator's page is served

	MaxConnections int `yaml:"max_connections"` // at once, half of them from one address; 0: any number
}

// Token is a bearer token; without any the API is open to whoever reaches it.
type Token struct {
	Name  string `yaml:"name"`
	Token Secret `yaml:"token"`
	Scope string `yaml:"scope" accept:"admin,listen,read"`
}

// Limits refuse load early.
type Limits struct {
	Calls          int `yaml:"calls"`            // at once; 0: no limit
	CallsPerSecond int `yaml:"calls_per_second"` // 0: no limit
	PerSource      int `yaml:"per_source"`       // calls per second from one address; 0: no limit
	CPU            int `yaml:"cpu"`              // per cent of all processors, beyond which no new calls are taken; 0: no limit
	Conferences    int `yaml:"conferences"`      // at once; 0: no limit

	Creations int `yaml:"creations"` // conferences that one caller may make at sip.factory in a minute; 0: any number

	Subscriptions          int `yaml:"subscriptions"`            // to conference events, at once, of one conference
	SubscriptionsPerSource int `yaml:"subscriptions_per_source"` // at once from one address that is no trunk; 0: no limit
}

// Shutdown says what becomes of calls in progress when the program is to end.
type Shutdown struct {
	Drain    time.Duration `yaml:"drain"`    // how long they may go on, while no new ones are taken; 0: they end at once
	Announce bool          `yaml:"announce"` // participants are told before they are disconnected
}

// Secret is a string that hides itself from logs and from printing.
type Secret string

// String says only whether there is a secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "[secret]"
}

// GoString hides the secret from %#v.
func (s Secret) GoString() string { return s.String() }

// Reveal is the secret itself.
func (s Secret) Reveal() string { return string(s) }

// defaultHold is longer than a recorder takes to answer, or another to take over.
const defaultHold = 5 * time.Second

// Default is what an empty file means: everything on loopback, any dialled number is a conference, recording on demand to the
// embedded recorder.
func Default() Config {
	return Config{
		Log: Log{Level: "info", Format: "text"},
		SIP: SIP{
			Listen:       []string{"udp://127.0.0.1:5060", "tcp://127.0.0.1:5060", "ws://127.0.0.1:5066"},
			Allow:        []string{"127.0.0.0/8", "::1/128"},
			Realm:        "parley",
			Digest:       []string{"SHA-256", "MD5"},
			Bans:         Bans{Failures: 10, Window: time.Minute, Duration: time.Minute, Max: time.Hour}, //nolint:mnd // a person who mistypes gets through
			SessionTimer: SessionTimer{Default: 30 * time.Minute, Min: leastSession},                     //nolint:mnd // RFC 4028, section 4
			Factory:      "conference-factory", FactoryLasts: "creator", Refer: Refer{From: "moderators"}, Takeover: "authenticated", Replaces: "admitted",
		},
		Media: Media{
			ListenAddress: "127.0.0.1", Ports: []int{16384, 32767}, Codecs: []string{"opus", "g722", "pcmu", "pcma"}, SRTP: "disabled", DTLS: "accept", ICE: "answer", RTCPXR: "answer", Redundancy: "answer",
			Timeout: time.Minute, Symmetric: true, IOUring: true, JitterBuffer: JitterBuffer{Max: 200 * time.Millisecond}, Opus: Opus{Bitrate: 32000, Complexity: 5},
		},
		ConferenceDefaults: ConferenceDefaults{
			Dynamic: true, Entry: "none", Life: Life{AllowUnmute: true, MusicAlone: true}, Roster: Roster{Subscribers: "anyone", Anonymous: "masked", Calls: "moderators", Sidebars: "by-value", Others: "refused", Transport: "any", Cascades: "none"},
			Audio: Audio{AGC: AGC{Target: -23, MaxGain: 18, Rate: 6}, NoiseGate: NoiseGate{Threshold: -50}}, //nolint:mnd // speech as EBU R 128 has it, about
			Recording: RecordingPolicy{
				Policy: "on_demand", Mode: []string{"mixed", "separate"}, Select: "parallel", OnFailure: "notify",
				Exclusion: "allowed", Keys: "keep", Masking: "silence", Sidebars: "none", Text: "keep", Pair: "first", Preferences: "moderators",
			},
		},
		Prompts: Prompts{Language: "en"},
		Door: Door{
			Attempts: 3, FirstKey: 10 * time.Second, NextKey: 5 * time.Second, NameLength: defaultName, //nolint:mnd // what people need who look a number up
			Lockout: Lockout{Failures: 10, Total: 100, Window: 10 * time.Minute, Duration: 10 * time.Minute}, //nolint:mnd // three calls of who mistypes
		},
		Menus:     Menus{Timeout: 3 * time.Second}, //nolint:mnd // between two keys
		Recording: Recording{Hold: defaultHold, Passthrough: true, Notification: Notification{Tone: true, ToneInterval: 15 * time.Second}},
		SRS: SRS{
			Enabled: true, Listen: []string{"udp://127.0.0.1:5070", "tcp://127.0.0.1:5070"}, Directory: "./recordings", SRTP: "optional", DTLS: "accept", Format: "wav",
			MinFree: 256 << 20, Sync: 10 * time.Second, PacketTime: 40 * time.Millisecond, ComfortNoise: true, //nolint:mnd // a quarter of a gibibyte; see srs.Config
		},
		Events: Events{MinInterval: 5 * time.Second, NotifyRate: 1000},
		CDR:    CDR{MaxSize: 100 << 20, MaxAge: 24 * time.Hour, Sync: time.Second}, //nolint:mnd // a day, or 100 MiB
		HTTP:   HTTP{Listen: "127.0.0.1:8080", Page: true, MaxConnections: 2048},
		Limits: Limits{Subscriptions: 1000, Creations: 60}, Shutdown: Shutdown{Announce: true},
	}
}
