// Package awsx reads and changes databases with the AWS SDK. It implements the ports scaling.Observer and
// scaling.Executor, and classifies the errors of AWS by how to react to them.
//
// The databases of an account and region are read with the same few requests, whatever the number of policies. A Client reads when an
// observation is requested, what is older than maxSnapshotAge; a Poller reads in the background, and its callers never wait.
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

// DefaultWindow is how far back samples of a target are read that is not tracked: the default scale-down window and an hour.
const DefaultWindow = 5 * time.Hour

// Options configure a Client. The zero value uses the SDK's default credential chain and endpoints.
type Options struct {
	// Endpoint is the base URL of every service. Empty means the SDK's own choice, which the environment variables
	// AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_<SERVICE> can change.
	Endpoint string
	// Credentials are the operator's own; nil means the default chain, which supports IRSA and EKS Pod Identity.
	Credentials aws.CredentialsProvider
	// Clock measures the age of cached data and spaces requests; nil means the real clock.
	Clock clock.Clock
	// Registerer registers the metrics of AWS requests; nil means that they are not exported.
	Registerer prometheus.Registerer
	// Log receives errors of optional reads and, at verbosity 1, the SDK's own warnings; the zero value drops them.
	Log logr.Logger
	// WrapHTTPClient returns the client that makes all requests, given the one that makes them otherwise, so that a program can
	// record them. Nil means no change.
	WrapHTTPClient func(aws.HTTPClient) aws.HTTPClient
	// Version of dbscaler, for the user agent.
	Version string
	// ClusterName is the name of the Kubernetes cluster in tags; empty when it has none. Instances that the operator of another
	// cluster created are marked as such.
	ClusterName string
	// PricingRegion is the region of the Pricing API to read instance prices from, one of PricingRegions; empty means
	// that no prices are read.
	PricingRegion string
}

// Client observes and changes the databases of any number of scopes. It is safe for concurrent use.
type Client struct {
	clock       clock.Clock
	factory     *sdkClientFactory
	clusterName string

	mu     sync.Mutex
	scopes map[scaling.Scope]*scopeClient
}

var (
	_ scaling.Observer = (*Client)(nil)
	_ scaling.Executor = (*Client)(nil)

	_ scaling.EventReader = (*Client)(nil)
)

// New returns a Client. It reads the SDK's configuration and registers the metrics, and calls no AWS service.
func New(ctx context.Context, o Options) (*Client, error) {
	if o.Clock == nil {
		o.Clock = clock.RealClock{}
	}
	factory, err := newSDKClientFactory(ctx, o)
	if err != nil {
		return nil, err
	}
	return &Client{
		clock: o.Clock, factory: factory, clusterName: o.ClusterName, scopes: map[scaling.Scope]*scopeClient{},
	}, nil
}

// clientForScope returns the client of a scope, which it creates if needed. It drops the clients of scopes that were not
// used for idleRetention.
func (c *Client) clientForScope(scope scaling.Scope) *scopeClient {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.clock.Now()
	maps.DeleteFunc(c.scopes, func(_ scaling.Scope, s *scopeClient) bool { return now.Sub(s.lastUsedAt) > idleRetention })
	s, ok := c.scopes[scope]
	if !ok {
		s = newScopeClient(scope, c.factory.newClients(scope), c.clock)
		s.clusterName = c.clusterName
		c.scopes[scope] = s
	}
	s.lastUsedAt = now
	return s
}

// CloudWatch returns the CloudWatch client of a scope, for callers that read further back than an observation does.
func (c *Client) CloudWatch(scope scaling.Scope) cloudwatch.GetMetricDataAPIClient {
	return c.clientForScope(scope).cloudWatch
}
