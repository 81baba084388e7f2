package webhook_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/parley-sip/parley/internal/webhook"
)

// example finds the block of code in a language that follows a line of the manual.
func example(t *testing.T, language string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "applications.md"))
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile("(?s)To verify a request.*?```" + language + "\n(.*?)```").FindSubmatch(text)
	if found == nil {
		t.Fatalf("no %s in the manual", language)
	}
	return string(found[1])
}

// TestExamplesOfTheManualVerify what we sign, and nothing else.
func TestExamplesOfTheManualVerify(t *testing.T) {
	const secret, id = "s3cret", "4f2a-1"
	body := []byte(`{"type":"participant.joined"}`)
	file := filepath.Join(t.TempDir(), "body")
	if err := os.WriteFile(file, body, 0o600); err != nil {
		t.Fatal(err)
	}
	now := strconv.FormatInt(time.Now().Unix(), 10)
	signature := webhook.Sign([]byte(secret), id, now, body)
	forged := webhook.Sign([]byte(secret), id, now, append(body, ' ')) // of something else
	python := example(t, "python") + `
import os, sys
e = os.environ
headers = {"webhook-id": e["id"], "webhook-timestamp": e["timestamp"], "webhook-signature": e["signature"]}
sys.exit(0 if verify(e["secret"], headers, open(e["body"], "rb").read()) else 1)
`
	shell := example(t, "sh")
	run := func(program, code, secret, timestamp, signature string) bool {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		command := exec.CommandContext(ctx, program, "-c", code)
		command.Env = append(os.Environ(), "secret="+secret, "id="+id, "timestamp="+timestamp, "signature="+signature, "body="+file)
		out, err := command.CombinedOutput()
		if len(out) > 0 {
			t.Errorf("%s: %v: %s", program, err, out)
		}
		return err == nil
	}
	for program, code := range map[string]string{"python3": python, "sh": shell} {
		if !run(program, code, secret, now, signature) {
			t.Errorf("%s refuses what is right", program)
		}
		if run(program, code, "other", now, signature) || run(program, code, secret, now, forged) {
			t.Errorf("%s takes what is forged", program)
		}
	}
	old := "1000000000"
	if run("python3", python, secret, old, webhook.Sign([]byte(secret), id, old, body)) {
		t.Error("an old request is taken")
	}
	if !run("python3", python, "whsec_czNjcmV0", now, "v1,bm8= "+signature) { // base64 of the secret; one signature of several
		t.Error("a coded secret, or a second signature, is refused")
	}
}
