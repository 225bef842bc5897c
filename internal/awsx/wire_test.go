package awsx

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// start is when the tests begin.
var start = time.Date(2024, 2, 5, 10, 0, 0, 0, time.UTC)

// ireland is the scope of most tests.
var ireland = scaling.Scope{Region: "eu-west-1"}

// offline keeps the SDK from looking for configuration and credentials outside of the test.
func offline(t *testing.T) {
	t.Helper()
	none := filepath.Join(t.TempDir(), "none")
	t.Setenv("AWS_CONFIG_FILE", none)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", none)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
}

// newEdge makes an Edge that calls the given endpoint.
func newEdge(t *testing.T, endpoint string, change ...func(*Options)) *Edge {
	t.Helper()
	offline(t)
	o := Options{
		Endpoint: endpoint, Version: "v0.0.0-test", Clock: clocktesting.NewFakeClock(start),
		Credentials: credentials.NewStaticCredentialsProvider("AKIDTEST", "secret", ""),
	}
	for _, f := range change {
		f(&o)
	}
	e, err := New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// wire answers Query requests with recorded bodies and keeps what it was asked.
type wire struct {
	*httptest.Server
	answer func(w http.ResponseWriter, form url.Values)

	mu    sync.Mutex
	asked []asked
}

// asked is one request that wire got.
type asked struct {
	form   url.Values
	header http.Header
}

func newWire(t *testing.T, answer func(w http.ResponseWriter, form url.Values)) *wire {
	t.Helper()
	w := &wire{answer: answer}
	w.Server = httptest.NewServer(w)
	t.Cleanup(w.Close)
	return w
}

// ServeHTTP implements http.Handler.
func (w *wire) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		form = url.Values{}
	}
	w.mu.Lock()
	w.asked = append(w.asked, asked{form: form, header: r.Header})
	w.mu.Unlock()
	w.answer(rw, form)
}

// actions lists the actions asked for, in order.
func (w *wire) actions() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []string
	for _, a := range w.asked {
		list = append(list, a.form.Get("Action"))
	}
	return list
}

// answerError writes an error as the Query protocol has it.
func answerError(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(status)
	fmt.Fprintf(w, `<ErrorResponse xmlns="http://rds.amazonaws.com/doc/2014-10-31/"><Error><Type>Sender</Type>`+
		`<Code>%s</Code><Message>%s</Message></Error><RequestId>0f3c7d2e-8a51-4b6f-9d0e-2f4a7c1b9e11</RequestId></ErrorResponse>`,
		code, message)
}

// answerResult writes a result as the Query protocol has it.
func answerResult(w http.ResponseWriter, action, result string) {
	w.Header().Set("Content-Type", "text/xml")
	fmt.Fprintf(w, `<%[1]sResponse xmlns="http://rds.amazonaws.com/doc/2014-10-31/"><%[1]sResult>%[2]s</%[1]sResult>`+
		`<ResponseMetadata><RequestId>5c1d9a70-1b2f-4f9e-8f7a-6f0f2f8f2a33</RequestId></ResponseMetadata></%[1]sResponse>`,
		action, result)
}
