// Package awsx is the AWS edge: it observes databases and changes them with the AWS SDK, and says in scaling's words what
// it saw and what went wrong.
//
// Everything of an account and region is read with the same few calls, however many policies ask. Nothing runs in the
// background: what is older than an observation interval is read again when somebody asks.
package awsx

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/utils/clock"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// DefaultWindow is how far back samples are read when Options.Window is nil: the default scale-down window and an hour.
const DefaultWindow = 5 * time.Hour

// Options are what an Edge is made with. The zero value uses the SDK's default credential chain and endpoints.
type Options struct {
	// Endpoint is the base URL that every service is called at, or empty for the SDK's own choice, which the environment
	// variables AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_<SERVICE> can change.
	Endpoint string
	// Credentials of the operator itself; nil means the default chain, which knows IRSA and EKS Pod Identity.
	Credentials aws.CredentialsProvider
	// Clock tells the age of what was read and spaces requests; nil means the real one.
	Clock clock.Clock
	// Registerer takes the metrics of the AWS requests; nil means that they are not exported.
	Registerer prometheus.Registerer
	// Log takes the SDK's own rare warnings, at verbosity 1; the zero value drops them.
	Log logr.Logger
	// Version of dbscaler, for the user agent.
	Version string
	// PricingRegion is where the Pricing API is asked what instances cost, one of PricingRegions; empty asks nowhere.
	PricingRegion string
	// Window says how far back samples are wanted: the longest window of any policy. It is asked at each read, and cut at
	// Retention. Nil means DefaultWindow.
	Window func() time.Duration
}

// Client observes and changes the databases of any number of scopes. It is safe for concurrent use.
type Client struct {
	clock   clock.Clock
	window  func() time.Duration
	factory *sdkClientFactory

	mu     sync.Mutex
	scopes map[scaling.Scope]*scopeClient
}

var (
	_ scaling.Observer = (*Client)(nil)
	_ scaling.Executor = (*Client)(nil)
)

// New makes an Edge. It reads the SDK's configuration and registers the metrics, and calls no AWS service.
func New(ctx context.Context, o Options) (*Client, error) {
	if o.Clock == nil {
		o.Clock = clock.RealClock{}
	}
	if o.Window == nil {
		o.Window = func() time.Duration { return DefaultWindow }
	}
	factory, err := newSDKClientFactory(ctx, o)
	if err != nil {
		return nil, err
	}
	return &Client{clock: o.Clock, window: o.Window, factory: factory, scopes: map[scaling.Scope]*scopeClient{}}, nil
}

// clientForScope finds or makes what is kept of a scope, and forgets the scopes that nobody asks for any more.
func (e *Client) clientForScope(name scaling.Scope) *scopeClient {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := e.clock.Now()
	maps.DeleteFunc(e.scopes, func(_ scaling.Scope, s *scopeClient) bool { return now.Sub(s.lastUsedAt) > idleRetention })
	s, ok := e.scopes[name]
	if !ok {
		s = newScopeClient(name, e.factory.newClients(name), e.clock, e.window)
		e.scopes[name] = s
	}
	s.lastUsedAt = now
	return s
}

// CloudWatch is what the metrics of a scope are read with, for whoever wants to read further back than decisions do.
func (e *Client) CloudWatch(name scaling.Scope) cloudwatch.GetMetricDataAPIClient {
	return e.clientForScope(name).cloudWatch
}
