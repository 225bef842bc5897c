package notify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const testKey = "0123456789abcdef"

func newTestSink(t *testing.T, o HTTPOptions) *HTTPSink {
	t.Helper()
	s, err := NewHTTPSink(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestHTTPSink_SignedStructuredMode(t *testing.T) {
	keyFile := filepath.Join(t.TempDir(), "key")
	writeKey := func(key string) {
		if err := os.WriteFile(keyFile, []byte(key+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	writeKey(testKey)
	key, received := testKey, 0
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		received++
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		mac := hmac.New(sha256.New, []byte(key)) // as a receiver verifies it
		mac.Write(body)
		signature, _ := strings.CutPrefix(r.Header.Get("X-Signature"), "sha256=")
		if got, err := hex.DecodeString(signature); err != nil || !hmac.Equal(got, mac.Sum(nil)) {
			t.Errorf("the signature %q is not that of the body: %v", r.Header.Get("X-Signature"), err)
		}
		if r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/cloudevents+json; charset=utf-8" || r.Header.Get("User-Agent") != "dbscaler/1" || string(body) != "{}" {
			t.Errorf("got %s %v %s", r.Method, r.Header, body)
		}
	}))
	defer server.Close()
	sink := newTestSink(t, HTTPOptions{URL: server.URL + "/hook?token=secret", KeyFile: keyFile, UserAgent: "dbscaler/1"})
	for _, next := range []string{testKey, "another-key-of-the-receiver"} { // the key is rotated
		key = next
		writeKey(next)
		if err := sink.Send(t.Context(), Event{}, []byte("{}")); err != nil {
			t.Error(err)
		}
	}
	if received != 2 {
		t.Errorf("%d requests, want 2", received)
	}
	writeKey("short")
	if err := sink.Send(t.Context(), Event{}, []byte("{}")); err == nil || errors.Is(err, ErrRefused) || received != 2 {
		t.Errorf("with a short key: %v, want an error that is retried", err)
	}
	if _, err := NewHTTPSink(sink.options); err == nil || !strings.Contains(err.Error(), "has 5 bytes: use at least 16") {
		t.Errorf("got %v", err)
	}
}

func TestHTTPSink_Answers(t *testing.T) {
	for _, test := range []struct {
		name    string
		status  int
		header  map[string]string
		wantErr string
		refused bool
		after   time.Duration
	}{
		{name: "accepted", status: 202},
		{name: "no content", status: 204},
		{name: "redirect is not followed", status: 307, header: map[string]string{"Location": "/elsewhere"}, wantErr: "redirects are not followed"},
		{name: "bad request", status: 400, wantErr: "HTTP 400", refused: true},
		{name: "too large", status: 413, wantErr: "HTTP 413", refused: true},
		{name: "unauthorized is retried", status: 401, wantErr: "HTTP 401"},
		{name: "not found is retried", status: 404, wantErr: "HTTP 404"},
		{name: "too many requests", status: 429, header: map[string]string{"Retry-After": "30"}, wantErr: "HTTP 429", after: 30 * time.Second},
		{name: "wait is bounded", status: 503, header: map[string]string{"Retry-After": "99999999999"}, wantErr: "HTTP 503", after: maxBackoff},
		{name: "wait by date is ignored", status: 503, header: map[string]string{"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, wantErr: "HTTP 503"},
	} {
		t.Run(test.name, func(t *testing.T) {
			requests := 0
			server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
				requests++
				for name, value := range test.header {
					rw.Header().Set(name, value)
				}
				rw.WriteHeader(test.status)
				_, _ = rw.Write(make([]byte, 1<<20)) // only a part is read
			}))
			defer server.Close()
			err := newTestSink(t, HTTPOptions{URL: server.URL + "/secret"}).Send(t.Context(), Event{}, nil)
			if (err == nil) != (test.wantErr == "") || err != nil && !strings.Contains(err.Error(), test.wantErr) || errors.Is(err, ErrRefused) != test.refused {
				t.Errorf("got %v, want %q, refused %t", err, test.wantErr, test.refused)
			}
			var late *RetryAfterError
			if errors.As(err, &late) != (test.after > 0) || late != nil && late.After != test.after {
				t.Errorf("got %v, want to wait for %s", err, test.after)
			}
			if requests != 1 || err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("%d requests, error %v", requests, err)
			}
		})
	}
}

func TestHTTPSink_VerifiesCertificate(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the request was sent") }))
	defer server.Close()
	server.Config.ErrorLog = nil
	err := newTestSink(t, HTTPOptions{URL: server.URL + "/secret"}).Send(t.Context(), Event{}, nil)
	if err == nil || !strings.Contains(err.Error(), "certificate") || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v", err)
	}
}

func TestHTTPSink_NoAnswer(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	err := newTestSink(t, HTTPOptions{URL: server.URL + "/secret?token=secret"}).Send(t.Context(), Event{}, nil)
	if err == nil || strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), "no response from 127.0.0.1") {
		t.Errorf("got %v", err)
	}
}

func TestHTTPOptions_Validate(t *testing.T) {
	for url, want := range map[string]string{
		"https://example.com/hook?token=secret": "", "http://localhost:8080/secret": "", "http://127.0.0.1/secret": "", "http://[::1]:80/secret": "",
		"http://example.com/secret": "http://", "ftp://example.com/secret": "https://", "/secret": "absolute", "https://": "absolute", "https://exa mple/secret": "absolute",
		"https://user:secret@example.com": "neither a user", "http://169.254.169.254/secret": "http://",
	} {
		err := HTTPOptions{URL: url}.Validate()
		if (err == nil) != (want == "") || err != nil && (!strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret")) {
			t.Errorf("%s: got %v, want %q", url, err, want)
		}
	}
	if err := (HTTPOptions{URL: "http://relay.team:8080", AllowPlainHTTP: true}).Validate(); err != nil {
		t.Error(err)
	}
}
