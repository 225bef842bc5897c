package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/dbscaler/dbscaler/hack/rehearsal/fixture"
)

// stepRecording collects the exchanges of one attempt of a step. A request belongs to the step in its context; requests without a
// step, such as those that wait for a database, are not recorded.
type stepRecording struct {
	step     string
	redactor fixture.Redactor

	mu        sync.Mutex
	exchanges []fixture.Exchange
	// err is why a request could not be recorded.
	err error
}

// recordingKey is the key of the recording in a context.
type recordingKey struct{}

// withRecording returns a context whose requests are recorded.
func withRecording(ctx context.Context, recording *stepRecording) context.Context {
	return context.WithValue(ctx, recordingKey{}, recording)
}

// withoutRecording returns a context whose requests are not recorded.
func withoutRecording(ctx context.Context) context.Context { return withRecording(ctx, nil) }

// recordRequests returns an HTTP client that records the requests whose context has a recording.
func recordRequests(client aws.HTTPClient) aws.HTTPClient { return recordingClient{client} }

type recordingClient struct{ aws.HTTPClient }

// Do implements aws.HTTPClient.
func (c recordingClient) Do(request *http.Request) (*http.Response, error) {
	recording, _ := request.Context().Value(recordingKey{}).(*stepRecording)
	if recording == nil {
		if request.Body != nil { // without the method WriteTo, which can break the connection: see bodyWithoutWriteTo in internal/awsx
			request.Body = struct{ io.ReadCloser }{request.Body}
		}
		return c.HTTPClient.Do(request)
	}
	var requestBody []byte
	if request.Body != nil {
		var err error
		if requestBody, err = io.ReadAll(request.Body); err != nil {
			return nil, err
		}
		_ = request.Body.Close() // it was read to its end
		request.Body = io.NopCloser(bytes.NewReader(requestBody))
	}
	response, err := c.HTTPClient.Do(request)
	if err != nil {
		return response, err
	}
	responseBody, err := io.ReadAll(response.Body)
	_ = response.Body.Close() // it was read, or the error is returned
	response.Body = io.NopCloser(bytes.NewReader(responseBody))
	if err != nil {
		return nil, err
	}
	recording.add(request, requestBody, response.StatusCode, responseBody)
	return response, nil
}

// add records a request and its response.
func (r *stepRecording) add(request *http.Request, requestBody []byte, status int, responseBody []byte) {
	exchange, err := fixture.New(r.step, r.redactor, request, requestBody, status, responseBody)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		r.err = fmt.Errorf("step %s: %w", r.step, err)
		return
	}
	r.exchanges = append(r.exchanges, exchange)
}

// finish returns the exchanges, or the error that prevented recording one.
func (r *stepRecording) finish() ([]fixture.Exchange, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.exchanges, r.err
}
