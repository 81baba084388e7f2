package page

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"
)

//go:embed ui
var files embed.FS

const (
	// Prefix is where the files are, but for the page itself, which is at the root.
	Prefix = "/ui/"

	folder = "ui"
	index  = "index.html"

	// policy lets the page run its own modules and use its own style sheet, and speak to its own server. Nothing else: no script or style in the text,
	// no text that becomes a document (Trusted Types), no frame around it.
	policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; media-src 'self'; base-uri 'none'; " +
		"form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)

// types are those of the files; what the machine has configured for a name does not matter.
//
//nolint:gochecknoglobals // a table
var types = map[string]string{
	".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
}

// file is one of the page's, ready to be sent. It is immutable.
type file struct {
	content      []byte
	kind, entity string // Content-Type and ETag
}

// Register adds the page to mux: it at the root, its files below Prefix.
func Register(mux *http.ServeMux) {
	content, err := fs.Sub(files, folder)
	if err == nil {
		err = fs.WalkDir(content, ".", func(name string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			data, err := fs.ReadFile(content, name)
			if err != nil {
				return err
			}
			hash := sha256.Sum256(data)
			f := &file{data, types[path.Ext(name)], `"` + hex.EncodeToString(hash[:16]) + `"`}
			at := Prefix + name
			if name == index {
				at = "/{$}"
			}
			mux.Handle("GET "+at, f)
			return nil
		})
	}
	if err != nil {
		panic(err) // the files are part of the program
	}
}

// Serves tells whether a path is one of the page.
func Serves(at string) bool { return at == "/" || strings.HasPrefix(at, Prefix) }

// ServeHTTP implements http.Handler.
func (f *file) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY") // for browsers without frame-ancestors
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-cache") // ask whether it has changed: all modules are of one version
	h.Set("ETag", f.entity)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.content))
}

var _ http.Handler = (*file)(nil)
