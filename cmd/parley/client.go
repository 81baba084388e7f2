package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"
)

const requestTimeout = 30 * time.Second

// client speaks the HTTP API, as /docs of a server describes it.
type client struct {
	base, token string
	http        *http.Client
}

func (s *server) client() *client {
	base := strings.TrimRight(s.API, "/")
	if !strings.Contains(base, "://") {
		base = "http://" + base
	}
	return &client{base: base + "/api/v1", token: s.Token, http: &http.Client{}}
}

// path joins escaped segments to an API path.
func path(segments ...string) string {
	var b strings.Builder
	for _, segment := range segments {
		b.WriteString("/" + url.PathEscape(segment))
	}
	return b.String()
}

// apiError is what the server said (RFC 9457).
type apiError struct {
	Status int    `json:"status"`
	Title  string `json:"title"`
	Detail string `json:"detail"`
	Errors []struct {
		Message  string `json:"message"`
		Location string `json:"location"`
	} `json:"errors"`
}

// Error gives the server's words.
func (e *apiError) Error() string {
	text := e.Title
	if e.Detail != "" {
		text = e.Detail
	}
	words := append(make([]string, 0, 1+len(e.Errors)), text)
	for _, each := range e.Errors {
		words = append(words, strings.TrimSpace(each.Location+" "+each.Message))
	}
	return fmt.Sprintf("%s (%d)", strings.Join(words, "; "), e.Status)
}

func (c *client) send(ctx context.Context, method, at, contentType string, body []byte, more ...func(http.Header)) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+at, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUsage, err)
	}
	if body != nil {
		req.Header.Set("Content-Type", contentType)
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	for _, set := range more {
		set(req.Header)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("no answer from the server: %w", err)
	}
	if res.StatusCode < http.StatusMultipleChoices {
		return res, nil
	}
	defer res.Body.Close() //nolint:errcheck // read only
	problem := &apiError{Status: res.StatusCode, Title: http.StatusText(res.StatusCode)}
	if err := json.NewDecoder(res.Body).Decode(problem); err != nil {
		problem.Detail = "" // not a problem document: the status says it
	}
	return nil, problem
}

// do sends a JSON request and reads a JSON answer; in and out may be nil.
func (c *client) do(ctx context.Context, method, at string, in, out any) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return err
		}
	}
	res, err := c.send(ctx, method, at, "application/json", body)
	if err != nil {
		return err
	}
	defer res.Body.Close() //nolint:errcheck // read only
	if out == nil || res.StatusCode == http.StatusNoContent {
		return nil
	}
	if err := json.NewDecoder(res.Body).Decode(out); err != nil {
		return fmt.Errorf("the server's answer: %w", err)
	}
	return nil
}

func (c *client) get(ctx context.Context, at string, out any) error {
	return c.do(ctx, http.MethodGet, at, nil, out)
}

// upload sends a file and reads a JSON answer.
func (c *client) upload(ctx context.Context, at, contentType string, body []byte, out any) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	res, err := c.send(ctx, http.MethodPost, at, contentType, body)
	if err != nil {
		return err
	}
	defer res.Body.Close() //nolint:errcheck // read only
	if err := json.NewDecoder(res.Body).Decode(out); err != nil {
		return fmt.Errorf("the server's answer: %w", err)
	}
	return nil
}

// serverEvent is one event of a stream of Server-Sent Events.
type serverEvent struct {
	id, name string
	data     []byte
}

// follow calls yield for every event until the stream or the context ends or yield returns an error. after is the event to go on
// after, or "" to begin with the next.
func (c *client) follow(ctx context.Context, at, after string, yield func(serverEvent) error) error {
	res, err := c.send(ctx, http.MethodGet, at, "", nil, func(header http.Header) {
		if after != "" {
			header.Set("Last-Event-ID", after)
		}
	})
	if err != nil {
		return err
	}
	defer res.Body.Close() //nolint:errcheck // read only
	err = readEvents(bufio.NewReader(res.Body), yield)
	switch {
	case ctx.Err() != nil:
		return nil
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		return fmt.Errorf("the server has gone without ending the stream: %w", err)
	}
	return err
}

// readEvents reads a stream of Server-Sent Events until its end.
func readEvents(lines *bufio.Reader, yield func(serverEvent) error) error {
	var event serverEvent
	for {
		line, err := lines.ReadString('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		line = strings.TrimRight(line, "\r\n")
		if line != "" {
			event.add(line)
			continue
		}
		if event.name != "" {
			if err := yield(event); err != nil {
				return err
			}
		}
		event = serverEvent{}
	}
}

// add takes one line of an event.
func (e *serverEvent) add(line string) {
	field, value, _ := strings.Cut(line, ":")
	value = strings.TrimPrefix(value, " ")
	switch field {
	case "id":
		e.id = value
	case "event":
		e.name = value
	case "data":
		if len(e.data) > 0 {
			e.data = append(e.data, '\n')
		}
		e.data = append(e.data, value...)
	}
}
