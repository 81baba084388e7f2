package main

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// browser is a page in a headless Chromium, by the Chrome DevTools Protocol.
type browser struct {
	t      *testing.T
	socket *websocket.Conn
	number atomic.Int64
	page   string // session of the page
}

// openBrowser starts Chromium (of scripts/deps.sh) with an empty page. It ends with the test.
func openBrowser(t *testing.T) *browser {
	t.Helper()
	command := exec.CommandContext(t.Context(), "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--mute-audio",
		"--disable-background-networking", "--autoplay-policy=no-user-gesture-required", "--remote-debugging-port=0", "--user-data-dir="+t.TempDir(), "about:blank")
	command.Env = append(os.Environ(), "HOME="+t.TempDir())
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // it has many processes
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGKILL) }
	output, err := command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err = command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Cancel() // it may have ended
		_ = command.Wait()   // killed
	})
	var address string
	for lines := bufio.NewScanner(output); address == "" && lines.Scan(); {
		_, address, _ = strings.Cut(lines.Text(), "DevTools listening on ")
	}
	if address == "" {
		t.Fatal("chromium does not say where it listens")
	}
	b := &browser{t: t}
	if b.socket, _, err = websocket.Dial(t.Context(), address, nil); err != nil { //nolint:bodyclose // the library has none to be closed
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.socket.CloseNow() }) // no handshake with who is killed next
	b.socket.SetReadLimit(64 << 20)
	var target struct{ TargetID string }
	b.call("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var session struct{ SessionID string }
	b.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &session)
	b.page = session.SessionID
	return b
}

// call sends a command and waits for its answer; events in between are of no interest.
func (b *browser) call(method string, params, answer any) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), 30*time.Second)
	defer cancel()
	id := b.number.Add(1)
	command := map[string]any{"id": id, "method": method, "params": params}
	if b.page != "" {
		command["sessionId"] = b.page
	}
	text, err := json.Marshal(command)
	if err == nil {
		err = b.socket.Write(ctx, websocket.MessageText, text)
	}
	for err == nil {
		var got struct {
			ID     int64
			Error  json.RawMessage
			Result json.RawMessage
		}
		if _, text, err = b.socket.Read(ctx); err != nil {
			break
		}
		if err = json.Unmarshal(text, &got); err != nil || got.ID != id {
			continue
		}
		if got.Error != nil {
			b.t.Fatalf("%s: %s", method, got.Error)
		}
		if answer != nil {
			err = json.Unmarshal(got.Result, answer)
		}
		if err == nil {
			return
		}
	}
	b.t.Fatalf("%s: %v", method, err)
}

// open goes to an address.
func (b *browser) open(url string) {
	b.t.Helper()
	b.call("Page.navigate", map[string]any{"url": url}, nil)
}

// value is what an expression of JavaScript gives; a promise is waited for. Its error is the test's.
func (b *browser) value(expression string) any {
	b.t.Helper()
	var answer struct {
		Result           struct{ Value any }
		ExceptionDetails json.RawMessage
	}
	b.call("Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true, "awaitPromise": true, "userGesture": true}, &answer)
	if answer.ExceptionDetails != nil {
		b.t.Fatalf("%s: %s", expression, answer.ExceptionDetails)
	}
	return answer.Result.Value
}

// until waits until an expression is true. While a page is on its way it may fail.
func (b *browser) until(what, expression string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), 30*time.Second)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for b.value("(() => { try { return !!("+expression+") } catch { return false } })()") != true {
		select {
		case <-tick.C:
		case <-ctx.Done():
			b.t.Fatalf("%s: not seen; the page says:\n%v", what, b.value("document.body.innerText"))
		}
	}
}

// click clicks what a selector finds, when it can be clicked.
func (b *browser) click(selector string) {
	b.t.Helper()
	quoted, err := json.Marshal(selector)
	if err != nil {
		b.t.Fatal(err)
	}
	element := "document.querySelector(" + string(quoted) + ")"
	b.until("to click "+selector, element+" && !"+element+".disabled && "+element+".offsetParent")
	b.value(element + ".click()")
}
