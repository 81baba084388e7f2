package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
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

// drawn waits until what has happened so far is shown.
func (b *browser) drawn() {
	b.t.Helper()
	b.value(`new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))`)
}

// quoted is a string as JavaScript has it.
func (b *browser) quoted(text string) string {
	b.t.Helper()
	out, err := json.Marshal(text)
	if err != nil {
		b.t.Fatal(err)
	}
	return string(out)
}

// click clicks with the mouse on what a selector finds, when it can be used and nothing is in front of it.
func (b *browser) click(selector string) {
	b.t.Helper()
	b.clickOn("document.querySelector("+b.quoted(selector)+")", selector)
}

// press clicks the button with a text, or a label, below what a selector finds.
func (b *browser) press(selector, text string) {
	b.t.Helper()
	find := fmt.Sprintf(`[...document.querySelectorAll(%s)].find((x) => x.offsetParent && (x.textContent === %s || x.getAttribute("aria-label") === %[2]s))`, b.quoted(selector+" button"), b.quoted(text))
	b.clickOn(find, selector+" "+text)
}

func (b *browser) clickOn(element, what string) {
	b.t.Helper()
	b.until("to click "+what, `(() => { const e = `+element+`; if (!e || e.disabled || !e.offsetParent) return false; e.scrollIntoView({ block: "nearest" });
		const r = e.getBoundingClientRect(); return e.contains(document.elementFromPoint(r.x + r.width / 2, r.y + r.height / 2)) })()`)
	at, _ := b.value(`(() => { const r = ` + element + `.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2] })()`).([]any)
	if len(at) != 2 {
		b.t.Fatalf("%s is nowhere", what)
	}
	for _, kind := range []string{"mousePressed", "mouseReleased"} {
		b.call("Input.dispatchMouseEvent", map[string]any{"type": kind, "x": at[0], "y": at[1], "button": "left", "clickCount": 1}, nil)
	}
}

// key presses a key, as Tab or Enter.
func (b *browser) key(name string) {
	b.t.Helper()
	code := map[string]int{"Tab": 9, "Enter": 13, "Escape": 27, "ArrowRight": 39, "ArrowLeft": 37}[name]
	down := map[string]any{"type": "keyDown", "key": name, "code": name, "windowsVirtualKeyCode": code}
	if name == "Enter" {
		down["text"] = "\r"
	}
	b.call("Input.dispatchKeyEvent", down, nil)
	b.call("Input.dispatchKeyEvent", map[string]any{"type": "keyUp", "key": name, "code": name, "windowsVirtualKeyCode": code}, nil)
}

// write types a text into what a selector finds, in place of what was there.
func (b *browser) write(selector, text string) {
	b.t.Helper()
	b.click(selector)
	b.value("document.querySelector(" + b.quoted(selector) + ").select()")
	b.call("Input.insertText", map[string]any{"text": text}, nil)
}

// choose chooses of a select what has one of the texts.
func (b *browser) choose(selector string, texts ...string) {
	b.t.Helper()
	wanted, err := json.Marshal(texts)
	if err != nil {
		b.t.Fatal(err)
	}
	b.until("to choose of "+selector, "!document.querySelector("+b.quoted(selector)+").disabled")
	if b.value(`(() => { const e = document.querySelector(`+b.quoted(selector)+`), wanted = `+string(wanted)+`; for (const o of e.options) o.selected = wanted.includes(o.text);
		e.dispatchEvent(new Event("change", { bubbles: true })); return [...e.selectedOptions].length === wanted.length })()`) != true {
		b.t.Fatalf("%s has not all of %v", selector, texts)
	}
}

// check clicks boxes of a list until those with the texts, and no others, are checked.
func (b *browser) check(selector string, texts ...string) {
	b.t.Helper()
	wanted, err := json.Marshal(texts)
	if err != nil {
		b.t.Fatal(err)
	}
	wrong := `[...document.querySelectorAll(` + b.quoted(selector+" label") + `)].find((l) => ` + string(wanted) + `.includes(l.textContent) !== l.firstChild.checked)`
	b.until("the list", "document.querySelector("+b.quoted(selector+" label")+")")
	for b.value("!!"+wrong) == true {
		b.clickOn(wrong, selector)
	}
	if checked := b.value(`[...document.querySelectorAll(` + b.quoted(selector+" input:checked") + `)].length`); checked != float64(len(texts)) {
		b.t.Fatalf("%v are checked of %v", checked, texts)
	}
}

// pale are the texts that are shown with a contrast of less than 4.5 to 1 to what is behind them (WCAG 2.2, success criterion 1.4.3), in a colour scheme.
func (b *browser) pale(scheme string) string {
	b.t.Helper()
	b.call("Emulation.setEmulatedMedia", map[string]any{"features": []any{map[string]any{"name": "prefers-color-scheme", "value": scheme}}}, nil)
	b.drawn()
	found, _ := b.value(`(() => {
		const colour = (text) => { const [r, g, b, a = 1] = text.match(/[\d.]+/g).map(Number); return { r, g, b, a } };
		const over = (top, under) => ({ r: top.r * top.a + under.r * (1 - top.a), g: top.g * top.a + under.g * (1 - top.a), b: top.b * top.a + under.b * (1 - top.a), a: 1 });
		const behind = (e) => { if (!e) return { r: 255, g: 255, b: 255, a: 1 }; const c = colour(getComputedStyle(e).backgroundColor); return c.a === 1 ? c : over(c, behind(e.parentElement)) };
		const light = (c) => { const [r, g, b] = [c.r, c.g, c.b].map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b };
		const found = new Set();
		const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
		for (let n; (n = walk.nextNode());) {
			const e = n.parentElement, box = e.getBoundingClientRect();
			if (!n.data.trim() || !e.checkVisibility() || box.width <= 1 || e.closest(":disabled")) continue;
			let opacity = 1;
			for (let x = e; x; x = x.parentElement) opacity *= Number(getComputedStyle(x).opacity);
			const back = behind(e), own = colour(getComputedStyle(e).color), front = over({ ...own, a: own.a * opacity }, back);
			const [high, low] = [light(front), light(back)].sort((a, b) => b - a), ratio = (high + 0.05) / (low + 0.05);
			if (ratio < 4.5) found.add(n.data.trim().slice(0, 30) + " (" + e.className + "): " + ratio.toFixed(1));
		}
		return [...found].join("\n");
	})()`).(string)
	return found
}
