package config

import (
	"fmt"
	"net/netip"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"
)

// Webhook is a receiver of events.
type Webhook struct {
	Name          string        `yaml:"name"` // in logs and metrics; empty: the host of the URL
	URL           string        `yaml:"url"`
	Secret        Secret        `yaml:"secret"`
	SecretFile    string        `yaml:"secret_file"`    // holds it, instead
	SecretEnv     string        `yaml:"secret_env"`     // variable that holds it, instead
	Events        []string      `yaml:"events"`         // patterns of types; empty: all
	Conferences   []string      `yaml:"conferences"`    // patterns of identifiers; empty: all
	CA            string        `yaml:"ca"`             // who may have signed the receiver's certificate; empty: the system's
	AllowInsecure bool          `yaml:"allow_insecure"` // http beyond this machine
	Timeout       time.Duration `yaml:"timeout"`        // of one attempt
	RetryInitial  time.Duration `yaml:"retry_initial"`  // first pause
	RetryMax      time.Duration `yaml:"retry_max"`      // longest pause
	MaxAge        time.Duration `yaml:"max_age"`        // after which an event is given up
	Queue         int           `yaml:"queue"`          // events that wait
	Parallel      int           `yaml:"parallel"`       // requests at once
}

// CDR says where call detail records go.
type CDR struct {
	File    string        `yaml:"file"`     // empty: none
	MaxSize Size          `yaml:"max_size"` // beyond, it is put aside; 0: any
	MaxAge  time.Duration `yaml:"max_age"`  // at the end of such periods it is put aside; 0: never
	Keep    int           `yaml:"keep"`     // files put aside; 0: all
	Sync    time.Duration `yaml:"sync"`     // how often it is forced to the disk; 0: with every write
}

// presetWebhook are the defaults of one.
func presetWebhook(w *Webhook) {
	w.Timeout, w.RetryInitial, w.RetryMax, w.MaxAge = 10*time.Second, time.Second, 5*time.Minute, 24*time.Hour //nolint:mnd // see operating.md
	w.Queue, w.Parallel = 10_000, 8                                                                            //nolint:mnd // likewise
}

const leastPeriod = time.Minute

func (r *reader) checkApplications(cfg *Config) {
	names := map[string]bool{}
	for i := range cfg.Events.Webhooks {
		w := &cfg.Events.Webhooks[i]
		key := fmt.Sprintf("events.webhooks[%d]", i)
		r.checkWebhook(key, w)
		if name := w.Label(); names[name] {
			r.fail(key+".name", "%q stands twice", name)
		} else {
			names[name] = true
		}
	}
	if cfg.CDR.Keep < 0 {
		r.fail("cdr.keep", "wants 0 or more, has %d", cfg.CDR.Keep)
	}
	if cfg.CDR.MaxAge != 0 && cfg.CDR.MaxAge < leastPeriod {
		r.fail("cdr.max_age", "wants %v or more, or 0 for never, has %v", leastPeriod, cfg.CDR.MaxAge)
	}
}

// Label is its name, or else the host of its URL.
func (w *Webhook) Label() string {
	if w.Name != "" {
		return w.Name
	}
	u, err := url.Parse(w.URL)
	if err != nil {
		return ""
	}
	return u.Host
}

func (r *reader) checkWebhook(key string, w *Webhook) {
	u, err := url.Parse(w.URL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		r.fail(key+".url", "wants https://host/path")
	case u.Scheme == "http" && !w.AllowInsecure && !loopbackHost(u.Hostname()):
		r.fail(key+".url", "wants https, or allow_insecure: true: everybody on the way to %s could read events", u.Hostname())
	}
	sources := 0
	for _, set := range []bool{w.Secret != "", w.SecretFile != "", w.SecretEnv != ""} {
		if set {
			sources++
		}
	}
	if sources != 1 {
		r.fail(key, "wants one of secret, secret_file, secret_env")
	}
	r.checkDelivery(key, w)
	if strings.HasPrefix(w.SecretEnv, envPrefix) {
		r.fail(key+".secret_env", "wants a variable whose name does not begin with %s, which are keys", envPrefix)
	}
}

// checkDelivery looks at what is delivered and how often.
func (r *reader) checkDelivery(key string, w *Webhook) {
	for list, patterns := range map[string][]string{"events": w.Events, "conferences": w.Conferences} {
		for i, pattern := range patterns {
			if _, err := path.Match(pattern, ""); err != nil || pattern == "" {
				r.fail(fmt.Sprintf("%s.%s[%d]", key, list, i), "wants a pattern such as participant.*, has %q", pattern)
			}
		}
	}
	for name, d := range map[string]time.Duration{"timeout": w.Timeout, "retry_initial": w.RetryInitial, "retry_max": w.RetryMax, "max_age": w.MaxAge} {
		if d <= 0 {
			r.fail(key+"."+name, "wants more than 0")
		}
	}
	for name, n := range map[string]int{"queue": w.Queue, "parallel": w.Parallel} {
		if n < 1 {
			r.fail(key+"."+name, "wants 1 or more, has %d", n)
		}
	}
}

func loopbackHost(host string) bool {
	address, err := netip.ParseAddr(host)
	return err == nil && address.IsLoopback() || slices.Contains([]string{"localhost", "localhost."}, strings.ToLower(host))
}
