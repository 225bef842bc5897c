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

// testStart is the time at which the tests start.
var testStart = time.Date(2024, 2, 5, 10, 0, 0, 0, time.UTC)

// euWest1 is the scope of most tests.
var euWest1 = scaling.Scope{Region: "eu-west-1"}

// isolateSDKConfig prevents the SDK from reading configuration and credentials from outside the test.
func isolateSDKConfig(t *testing.T) {
	t.Helper()
	missing := filepath.Join(t.TempDir(), "none")
	t.Setenv("AWS_CONFIG_FILE", missing)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", missing)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
}

// newTestClient returns a Client that calls the given endpoint.
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

// fakeQueryAPI responds to requests of the Query protocol through a function of the test, and records them.
type fakeQueryAPI struct {
	*httptest.Server
	handle func(w http.ResponseWriter, form url.Values)

	mu       sync.Mutex
	requests []recordedRequest
}

// recordedRequest is one request that a fakeQueryAPI received.
type recordedRequest struct {
	form   url.Values
	header http.Header
}

func newFakeQueryAPI(t *testing.T, handle func(w http.ResponseWriter, form url.Values)) *fakeQueryAPI {
	t.Helper()
	api := &fakeQueryAPI{handle: handle}
	api.Server = httptest.NewServer(api)
	t.Cleanup(api.Close)
	return api
}

// ServeHTTP implements http.Handler.
func (a *fakeQueryAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		form = url.Values{}
	}
	a.mu.Lock()
	a.requests = append(a.requests, recordedRequest{form: form, header: r.Header})
	a.mu.Unlock()
	a.handle(w, form)
}

// actions returns the actions of the requests, in order.
func (a *fakeQueryAPI) actions() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var actions []string
	for _, request := range a.requests {
		actions = append(actions, request.form.Get("Action"))
	}
	return actions
}

// writeError writes an error of the Query protocol.
func writeError(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(status)
	fmt.Fprintf(w, `<ErrorResponse xmlns="http://rds.amazonaws.com/doc/2014-10-31/"><Error><Type>Sender</Type>`+
		`<Code>%s</Code><Message>%s</Message></Error><RequestId>0f3c7d2e-8a51-4b6f-9d0e-2f4a7c1b9e11</RequestId></ErrorResponse>`,
		code, message)
}

// writeResult writes a result of the Query protocol.
func writeResult(w http.ResponseWriter, action, result string) {
	w.Header().Set("Content-Type", "text/xml")
	fmt.Fprintf(w, `<%[1]sResponse xmlns="http://rds.amazonaws.com/doc/2014-10-31/"><%[1]sResult>%[2]s</%[1]sResult>`+
		`<ResponseMetadata><RequestId>5c1d9a70-1b2f-4f9e-8f7a-6f0f2f8f2a33</RequestId></ResponseMetadata></%[1]sResponse>`,
		action, result)
}
