package notify

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"time"
)

const (
	// SignatureHeader has the HMAC of the body, as the generic-hmac provider of Flux sends it: sha256=<hex>.
	SignatureHeader = "X-Signature"
	// minKeyBytes is the minimum length of a key in bytes. A shorter one can be guessed.
	minKeyBytes = 16
	// maxResponseBytes is how much of a response is read, so that the connection can be used again.
	maxResponseBytes = 16 << 10
)

// refusedStatuses are those with which a receiver says that it will not accept this event later either. Others, such as 401 or 404, are
// mistakes in the configuration of either side, which are mended while the event is retried.
var refusedStatuses = []int{
	http.StatusBadRequest, http.StatusGone, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity,
}

// HTTPOptions configure an HTTP sink.
type HTTPOptions struct {
	// URL receives the events. It may contain a secret, so that it is never logged.
	URL string
	// KeyFile has the key of the signature; empty sends none. It is read for each event, so that a rotated key is used at once.
	KeyFile string
	// AllowPlainHTTP allows an http:// URL whose host is not the loopback interface.
	AllowPlainHTTP bool
	// UserAgent is sent with each request.
	UserAgent string
}

// Validate says what is wrong with the options, without the URL.
func (o HTTPOptions) Validate() error {
	u, err := url.Parse(o.URL)
	switch {
	case err != nil, u.Host == "", u.Scheme != "https" && u.Scheme != "http":
		return errors.New("--notification-url must be an absolute URL that starts with https://")
	case u.User != nil || u.Fragment != "":
		return errors.New("--notification-url must have neither a user nor a fragment: use a path or a query that cannot be guessed, " +
			"or a signature")
	case u.Scheme == "http" && !o.AllowPlainHTTP && !isLoopback(u.Hostname()):
		return errors.New("--notification-url starts with http://, so that everybody on the way could read the events: use https://, or set " +
			"--notification-allow-http for a receiver in the same cluster")
	}
	return nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// HTTPSink posts events in the structured mode of CloudEvents.
type HTTPSink struct {
	options HTTPOptions
	client  *http.Client
}

// NewHTTPSink returns a sink. The error says what is wrong with the options or the key.
func NewHTTPSink(o HTTPOptions) (*HTTPSink, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	s := &HTTPSink{options: o, client: &http.Client{
		Timeout: sendTimeout,
		// A redirect would send the events to a host that nobody has configured.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	if o.KeyFile != "" {
		if _, err := s.readKey(); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Name implements Sink.
func (*HTTPSink) Name() string { return "http" }

// Send implements Sink.
func (s *HTTPSink) Send(ctx context.Context, _ Event, body []byte) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.options.URL, bytes.NewReader(body))
	if err != nil {
		return errors.New("the request cannot be built from --notification-url") // the cause contains the URL
	}
	request.Header.Set("Content-Type", ContentType+"; charset=utf-8")
	request.Header.Set("User-Agent", s.options.UserAgent)
	if s.options.KeyFile != "" {
		key, err := s.readKey()
		if err != nil {
			return err
		}
		request.Header.Set(SignatureHeader, Sign(key, body))
	}
	response, err := s.client.Do(request)
	if err != nil {
		var withURL *url.Error
		if errors.As(err, &withURL) {
			err = withURL.Err
		}
		return fmt.Errorf("no response from %s: %w", request.URL.Hostname(), err)
	}
	defer func() {
		_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, maxResponseBytes)) // only so that the connection can be used again
		_ = response.Body.Close()
	}()
	return checkResponse(response, request.URL.Hostname())
}

// checkResponse returns an error unless the receiver has accepted the event.
func checkResponse(response *http.Response, host string) error {
	status := response.StatusCode
	switch {
	case status >= http.StatusOK && status < http.StatusMultipleChoices:
		return nil
	case slices.Contains(refusedStatuses, status):
		return fmt.Errorf("%s answers HTTP %d: %w", host, status, ErrRefused)
	case status >= http.StatusMultipleChoices && status < http.StatusBadRequest:
		return fmt.Errorf("%s answers HTTP %d, and redirects are not followed: set --notification-url to the final address", host, status)
	}
	err := fmt.Errorf("%s answers HTTP %d", host, status)
	if seconds, failed := strconv.Atoi(response.Header.Get("Retry-After")); failed == nil && seconds > 0 {
		return &RetryAfterError{Err: err, After: time.Duration(min(seconds, int(maxBackoff/time.Second))) * time.Second}
	}
	return err
}

// readKey reads the key of the signature, without line breaks at its end.
func (s *HTTPSink) readKey() ([]byte, error) {
	key, err := os.ReadFile(s.options.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("reading --notification-hmac-key-file: %w", err)
	}
	key = bytes.TrimRight(key, "\r\n")
	if len(key) < minKeyBytes {
		return nil, fmt.Errorf("the key in --notification-hmac-key-file has %d bytes: use at least %d random ones", len(key), minKeyBytes)
	}
	return key, nil
}

// Sign returns the value of SignatureHeader for a body.
func Sign(key, body []byte) string {
	mac := hmac.New(sha256.New, key)
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}
