package webhook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// outcome is what became of an attempt.
type outcome struct {
	err   error         // nil: delivered
	final bool          // there is no point in trying again
	after time.Duration // the receiver asks for so long a pause
}

const (
	// maxAnswer is how much of an answer is read, so that its connection can be used again.
	maxAnswer = 64 << 10
	// maxRetryAfter bounds what a receiver may ask for.
	maxRetryAfter = time.Hour
	successes     = 100 // 2xx
)

// attempt posts a letter once.
func (h *hook) attempt(t *terms, l *letter, number int) outcome {
	if err := l.write(); err != nil {
		return outcome{err: err, final: true}
	}
	select {
	case t.slots <- struct{}{}:
		defer func() { <-t.slots }()
	case <-h.over.Done():
		return outcome{err: h.over.Err()}
	}
	ctx, cancel := context.WithTimeout(h.over, t.Timeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, t.URL, bytes.NewReader(l.body))
	if err != nil {
		return outcome{err: err, final: true}
	}
	now := strconv.FormatInt(time.Now().Unix(), 10)
	for name, value := range map[string]string{
		"Content-Type": "application/json", "User-Agent": h.agent, "Webhook-Id": l.ID, "Webhook-Timestamp": now,
		"Webhook-Signature": Sign(t.sign, l.ID, now, l.body), "Parley-Event": l.Type, "Parley-Conference": url.PathEscape(l.Conference),
		"Parley-Attempt": strconv.Itoa(number),
	} {
		r.Header.Set(name, value)
	}
	response, err := t.http.Do(r)
	if err != nil {
		if wrapped, ok := errors.AsType[*url.Error](err); ok {
			err = wrapped.Err // the URL may hold a secret
		}
		return outcome{err: err}
	}
	defer response.Body.Close() //nolint:errcheck // read only
	_, _ = io.CopyN(io.Discard, response.Body, maxAnswer)
	return judge(response)
}

// judge tells what an answer means.
func judge(response *http.Response) outcome {
	if response.StatusCode/successes == http.StatusOK/successes {
		return outcome{}
	}
	return outcome{
		err:   fmt.Errorf("answered by %d %s", response.StatusCode, http.StatusText(response.StatusCode)),
		final: response.StatusCode == http.StatusGone || response.StatusCode == http.StatusRequestEntityTooLarge,
		after: retryAfter(response.Header.Get("Retry-After")),
	}
}

// retryAfter reads the pause that a receiver asks for, in either form (RFC 9110, section 10.2.3).
func retryAfter(text string) time.Duration {
	if n, err := strconv.ParseUint(text, 10, 32); err == nil {
		return min(time.Duration(n)*time.Second, maxRetryAfter)
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(max(0, time.Until(at)), maxRetryAfter)
	}
	return 0
}

// pause is how long to wait after a failed attempt: twice as long each time, of which a random part up to a half is left out, so
// that not all come back at once; never less than the receiver asks for.
func (t *terms) pause(attempt int, after time.Duration) time.Duration {
	pause := t.LastRetry
	if shift := attempt - 1; shift < 30 && t.FirstRetry<<shift < t.LastRetry { //nolint:mnd // beyond that it overflows
		pause = t.FirstRetry << shift
	}
	pause -= rand.N(pause/2 + 1) //nolint:gosec // not a secret
	return max(pause, after)
}

// Sign gives the value of webhook-signature.
func Sign(key []byte, id, timestamp string, body []byte) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + timestamp + "."))
	mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
