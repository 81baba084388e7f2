package page_test

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/parley-sip/parley/internal/page"
)

// get asks for a path, with header fields.
func get(t *testing.T, at string, fields ...string) *http.Response {
	t.Helper()
	mux := http.NewServeMux()
	page.Register(mux)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, at, nil)
	for i := 0; i < len(fields); i += 2 {
		r.Header.Set(fields[i], fields[i+1])
	}
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	return w.Result()
}

// sources are the files by name.
func sources(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := fs.WalkDir(os.DirFS("ui"), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path.Join("ui", name))
		out[name] = string(text)
		return err
	})
	if err != nil || len(out) < 10 {
		t.Fatalf("%d files, %v", len(out), err)
	}
	return out
}

// Every file is served, with what keeps a browser from doing anything else with it.
func TestFilesAreServedSafely(t *testing.T) {
	kinds := map[string]string{".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
	for name := range sources(t) {
		at := page.Prefix + name
		if name == "index.html" {
			at = "/"
		}
		if !page.Serves(at) {
			t.Errorf("%s is not known to be of the page", at)
		}
		got := get(t, at)
		_ = got.Body.Close() // a recorder's
		if got.StatusCode != http.StatusOK || !strings.HasPrefix(got.Header.Get("Content-Type"), kinds[path.Ext(name)]+";") && got.Header.Get("Content-Type") != kinds[path.Ext(name)] {
			t.Errorf("%s: %d, %q", at, got.StatusCode, got.Header.Get("Content-Type"))
		}
		for field, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cross-Origin-Resource-Policy": "same-origin", "Cache-Control": "no-cache", "Set-Cookie": ""} {
			if got.Header.Get(field) != want {
				t.Errorf("%s: %s is %q, want %q", at, field, got.Header.Get(field), want)
			}
		}
		policy := got.Header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "script-src 'self';", "style-src 'self';", "connect-src 'self';", "media-src 'self';", "frame-ancestors 'none'", "base-uri 'none'", "require-trusted-types-for 'script'"} {
			if !strings.Contains(policy, want) {
				t.Errorf("%s: the policy %q lacks %q", at, policy, want)
			}
		}
		if strings.Contains(policy, "unsafe") || strings.Contains(policy, "*") || strings.Contains(policy, "http") || strings.Contains(policy, "blob") {
			t.Errorf("%s: the policy is %q", at, policy)
		}
	}
	for _, at := range []string{"/ui/", "/ui/nothing.js", "/ui/index.html", "/ui/../page.go", "/page.go"} {
		got := get(t, at)
		_ = got.Body.Close()
		if got.StatusCode == http.StatusOK {
			t.Errorf("%s is served", at)
		}
	}
	if page.Serves("/api/v1/conferences") || page.Serves("/uix") {
		t.Error("what is not of the page is taken for it, and so let in without a token")
	}
}

// A file that has not changed is not sent again, and one that has is, whatever a browser keeps.
func TestFilesAreKeptByTag(t *testing.T) {
	first := get(t, "/")
	_ = first.Body.Close()
	tag := first.Header.Get("ETag")
	again, other := get(t, "/", "If-None-Match", tag), get(t, "/ui/main.js", "If-None-Match", tag)
	_, _ = again.Body.Close(), other.Body.Close()
	if tag == "" || again.StatusCode != http.StatusNotModified || other.StatusCode != http.StatusOK {
		t.Errorf("tag %q: %d, another file %d", tag, again.StatusCode, other.StatusCode)
	}
}

// What a file refers to is there, and comes from nowhere else.
func TestFilesReferToEachOther(t *testing.T) {
	all := sources(t)
	imported := regexp.MustCompile(`from '\./([^']+)'`)
	linked := regexp.MustCompile(`(?:src|href)="ui/([^"]+)"`)
	used := map[string]bool{"index.html": true}
	for name, text := range all {
		for _, found := range append(imported.FindAllStringSubmatch(text, -1), linked.FindAllStringSubmatch(text, -1)...) {
			used[found[1]] = true
			if _, ok := all[found[1]]; !ok {
				t.Errorf("%s refers to %s, which is not there", name, found[1])
			}
		}
		if lines := strings.Count(text, "\n"); lines > 400 {
			t.Errorf("%s has %d lines", name, lines)
		}
		if elsewhere := regexp.MustCompile(`(?:https?:)?//[a-z]+\.[a-z]`).FindString(text); elsewhere != "" && name != "icon.svg" {
			t.Errorf("%s refers to %s", name, elsewhere)
		}
		for _, danger := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "localStorage", "document.cookie", "style=", "onclick=\"", "<style"} {
			if strings.Contains(text, danger) {
				t.Errorf("%s has %s", name, danger)
			}
		}
	}
	for name := range all {
		if !used[name] {
			t.Errorf("nothing refers to %s", name)
		}
	}
}

// Names that a module imports are exported by the other: a browser would show nothing at all otherwise.
func TestModulesExportWhatIsImported(t *testing.T) {
	all := sources(t)
	clause := regexp.MustCompile(`import \{([^}]+)\} from '\./([^']+)'`)
	for name, text := range all {
		for _, found := range clause.FindAllStringSubmatch(text, -1) {
			for symbol := range strings.SplitSeq(found[1], ",") {
				symbol = strings.TrimSpace(symbol)
				exported := regexp.MustCompile(`(?m)^export (?:async )?(?:const|function|class|let) ` + regexp.QuoteMeta(symbol) + `\b`)
				if !exported.MatchString(all[found[2]]) {
					t.Errorf("%s imports %s of %s, which does not export it", name, symbol, found[2])
				}
				if len(regexp.MustCompile(`\b`+regexp.QuoteMeta(symbol)+`\b`).FindAllString(text, 2)) < 2 {
					t.Errorf("%s imports %s and does not use it", name, symbol)
				}
			}
		}
	}
}
