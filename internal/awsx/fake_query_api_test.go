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

// testStart is when the tests begin.
var testStart = time.Date(2024, 2, 5, 10, 0, 0, 0, time.UTC)

// euWest1 is the scope of most tests.
var euWest1 = scaling.Scope{Region: "eu-west-1"}

// isolateSDKConfig keeps the SDK from looking for configuration and credentials outside of the test.
func isolateSDKConfig(t *testing.T) {
	t.Helper()
	none := filepath.Join(t.TempDir(), "none")
	t.Setenv("AWS_CONFIG_FILE", none)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", none)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
}

// newTestClient makes an Edge that calls the given endpoint.
func newTestClient(t *testing.T, endpoint string, change ...func(*Options)) *Client {
	t.Helper()
	isolateSDKConfig(t)
	o := Options{
		Endpoint: endpoint, Version: "v0.0.0-test", Clock: clocktesting.NewFakeClock(testStart),
		Credentials: credentials.NewStaticCredentialsProvider("AKIDTEST", "secret", ""),
	}
	for _, f := range change {
		f(&o)
	}
	client, err := New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// fakeQueryAPI answers Query requests with recorded bodies and keeps what it was asked.
type fakeQueryAPI struct {
	*httptest.Server
	handle func(w http.ResponseWriter, form url.Values)

	mu       sync.Mutex
	requests []recordedRequest
}

// recordedRequest is one request that wire got.
type recordedRequest struct {
	form   url.Values
	header http.Header
}

func newFakeQueryAPI(t *testing.T, answer func(w http.ResponseWriter, form url.Values)) *fakeQueryAPI {
	t.Helper()
	w := &fakeQueryAPI{handle: answer}
	w.Server = httptest.NewServer(w)
	t.Cleanup(w.Close)
	return w
}

// ServeHTTP implements http.Handler.
func (w *fakeQueryAPI) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		form = url.Values{}
	}
	w.mu.Lock()
	w.requests = append(w.requests, recordedRequest{form: form, header: r.Header})
	w.mu.Unlock()
	w.handle(rw, form)
}

// actions lists the actions asked for, in order.
func (w *fakeQueryAPI) actions() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []string
	for _, a := range w.requests {
		list = append(list, a.form.Get("Action"))
	}
	return list
}

// writeError writes an error as the Query protocol has it.
func writeError(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(status)
	fmt.Fprintf(w, `<ErrorResponse xmlns="http://rds.amazonaws.com/doc/2014-10-31/"><Error><Type>Sender</Type>`+
		`<Code>%s</Code><Message>%s</Message></Error><RequestId>0f3c7d2e-8a51-4b6f-9d0e-2f4a7c1b9e11</RequestId></ErrorResponse>`,
		code, message)
}

// writeResult writes a result as the Query protocol has it.
func writeResult(w http.ResponseWriter, action, result string) {
	w.Header().Set("Content-Type", "text/xml")
	fmt.Fprintf(w, `<%[1]sResponse xmlns="http://rds.amazonaws.com/doc/2014-10-31/"><%[1]sResult>%[2]s</%[1]sResult>`+
		`<ResponseMetadata><RequestId>5c1d9a70-1b2f-4f9e-8f7a-6f0f2f8f2a33</RequestId></ResponseMetadata></%[1]sResponse>`,
		action, result)
}
