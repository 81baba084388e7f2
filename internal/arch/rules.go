package arch

// Module is the import path of the repository.
const Module = "github.com/parley-sip/parley"

// MaxFileLines is the longest a Go file may be. Longer ones hold more than one concept.
const MaxFileLines = 400

// imports tells which packages of ours a package may import. A package that is not listed may import none and must not
// exist: a new package is a decision and gets a row.
//
//nolint:gochecknoglobals // the table is the rule
var imports = map[string][]string{
	"codecs":               {"internal/prefetch"},
	"confevent":            {},
	"focus/conference":     {},
	"internal/sdp":         {"codecs", "internal/srtp"},
	"siprec":               {"codecs", "internal/sdp", "internal/srtp"},
	"siprec/seal":          {},
	"mixer":                {"codecs", "internal/sole", "internal/prefetch"},
	"internal/srtp":        {},
	"internal/dtls":        {"internal/srtp"},
	"internal/ice":         {},
	"internal/media":       {"codecs", "internal/sole", "internal/prefetch", "internal/srtp", "internal/dtls", "internal/ice", "internal/rtt", "internal/uring"},
	"internal/sipua":       {"internal/sparing"},
	"internal/rtt":         {},
	"internal/spool":       {},
	"internal/sound":       {"codecs"},
	"internal/prompts":     {"codecs", "internal/sound"},
	"internal/access":      {"internal/sipua"},
	"internal/arch":        {},
	"focus":                {"codecs", "confevent", "focus/conference", "internal/sdp", "siprec", "siprec/seal", "mixer", "internal/media", "internal/dtls", "internal/ice", "internal/rtt", "internal/sipua", "internal/prefetch", "internal/sound", "internal/sparing", "internal/spool", "internal/srtp"},
	"siprec/srs":           {"codecs", "siprec", "siprec/seal", "internal/rtt", "internal/sdp", "internal/srtp", "internal/dtls", "internal/media", "internal/sipua"},
	"siprec/srs/export":    {"codecs", "siprec/srs"},
	"internal/page":        {},
	"internal/control":     {"focus", "focus/conference", "confevent", "internal/cdr", "internal/page", "siprec/srs", "siprec/srs/export"},
	"internal/telemetry":   {"codecs", "focus"},
	"internal/cdr":         {"focus", "focus/conference"},
	"internal/webhook":     {},
	"internal/trunks":      {"internal/sipua"},
	"internal/config":      {},
	"internal/conftest":    {"codecs", "confevent", "siprec", "internal/sdp", "internal/media", "internal/sipua"},
	"internal/demo":        {Anything},
	"internal/loadbench":   {"codecs", "internal/conftest", "siprec/srs"},
	"internal/memnet":      {},
	"internal/hugepages":   {},
	"internal/sole":        {},
	"internal/sparing":     {},
	"internal/resident":    {},
	"internal/prefetch":    {},
	"internal/uring":       {},
	"internal/conformance": {},
	"testdata/speech":      {},
	"cmd/parley":           {Anything},
}

// Anything in an import row allows every package of ours: the row of a program, or of what is a program in itself.
const Anything = "*"

// pure packages get time, identifiers and randomness as arguments and do no input or output.
//
//nolint:gochecknoglobals // the table is the rule
var pure = []string{"codecs", "confevent", "focus/conference", "internal/rtt", "internal/sdp", "siprec", "siprec/seal"}

// impure are the packages of the standard library that a pure package must not import. "net/netip" is values only and allowed.
//
//nolint:gochecknoglobals // the table is the rule
var impure = []string{
	"net", "net/http", "os", "os/exec", "os/signal", "log", "log/slog", "math/rand", "math/rand/v2", "crypto/rand", "syscall", "golang.org/x/sys/unix",
	"github.com/google/uuid",
}

// impureCalls are functions of otherwise harmless packages that a pure package must not call.
//
//nolint:gochecknoglobals // the table is the rule
var impureCalls = map[string][]string{
	"time": {"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "NewTimer", "NewTicker", "Tick"},
}

// stacks are modules that only some packages may know.
//
//nolint:gochecknoglobals // the table is the rule
var stacks = map[string][]string{
	"github.com/emiago/sipgo": {"internal/sipua"},
	"github.com/pion/":        {"internal/media", "internal/sdp", "internal/srtp", "internal/dtls", "internal/ice"},
}

// peer is a browser's media, which tests may call from anywhere.
const peer = "github.com/pion/webrtc/"

// inTests are calls that a test must not make, with the reason.
//
//nolint:gochecknoglobals // the table is the rule
var inTests = map[string]map[string]string{
	"time": {"Sleep": "waiting is not synchronising: use testing/synctest, a channel or a condition"},
	"t":    {"Skip": "a skipped test proves nothing", "Skipf": "a skipped test proves nothing", "SkipNow": "a skipped test proves nothing"},
}
