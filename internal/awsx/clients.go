package awsx

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/pricing"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/logging"
	"github.com/aws/smithy-go/middleware"
	"github.com/go-logr/logr"
	"k8s.io/utils/clock"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

const (
	// requestTimeout bounds one attempt of one request. The slowest, GetMetricData with 500 queries, takes seconds.
	requestTimeout = 30 * time.Second
	// dialTimeout bounds the making of a connection.
	dialTimeout = 5 * time.Second
	// roleSessionName is what CloudTrail shows for an assumed role.
	roleSessionName = "dbscaler"
)

// databases is what the RDS API is read with.
type databases interface {
	rds.DescribeDBClustersAPIClient
	rds.DescribeDBInstancesAPIClient
	rds.DescribeOrderableDBInstanceOptionsAPIClient
	rds.DescribePendingMaintenanceActionsAPIClient
}

// changes are the RDS requests that change something.
type changes interface {
	ModifyDBInstance(context.Context, *rds.ModifyDBInstanceInput, ...func(*rds.Options)) (*rds.ModifyDBInstanceOutput, error)
	CreateDBInstance(context.Context, *rds.CreateDBInstanceInput, ...func(*rds.Options)) (*rds.CreateDBInstanceOutput, error)
	ModifyDBCluster(context.Context, *rds.ModifyDBClusterInput, ...func(*rds.Options)) (*rds.ModifyDBClusterOutput, error)
	CreateDBInstanceReadReplica(
		context.Context, *rds.CreateDBInstanceReadReplicaInput, ...func(*rds.Options),
	) (*rds.CreateDBInstanceReadReplicaOutput, error)
	DeleteDBInstance(context.Context, *rds.DeleteDBInstanceInput, ...func(*rds.Options)) (*rds.DeleteDBInstanceOutput, error)
	FailoverDBCluster(context.Context, *rds.FailoverDBClusterInput, ...func(*rds.Options)) (*rds.FailoverDBClusterOutput, error)
}

// clients are the SDK clients of one scope.
type clients struct {
	databases databases
	changes   changes
	metrics   cloudwatch.GetMetricDataAPIClient
	// autoScalers says which clusters Aurora Auto Scaling manages.
	autoScalers applicationautoscaling.DescribeScalableTargetsAPIClient
	// prices is nil where the Pricing API is not to be asked.
	prices pricing.GetProductsAPIClient
	log    logr.Logger
}

// clientFactory makes the clients of any scope from one configuration.
type clientFactory struct {
	config   aws.Config
	endpoint *string
	clock    clock.Clock
	log      logr.Logger
	prices   pricing.GetProductsAPIClient
}

func newClientFactory(ctx context.Context, o Options) (*clientFactory, error) {
	metrics, err := newRequestMetrics(o.Registerer, o.Clock)
	if err != nil {
		return nil, fmt.Errorf("registering the metrics of AWS requests: %w", err)
	}
	load := []func(*config.LoadOptions) error{
		config.WithHTTPClient(awshttp.NewBuildableClient().WithTimeout(requestTimeout).
			WithDialerOptions(func(d *net.Dialer) { d.Timeout = dialTimeout })),
		config.WithLogger(logging.LoggerFunc(func(_ logging.Classification, format string, v ...any) {
			o.Log.V(1).Info("AWS SDK: " + fmt.Sprintf(format, v...))
		})),
		config.WithAPIOptions([]func(*middleware.Stack) error{
			awsmiddleware.AddUserAgentKeyValue("dbscaler", o.Version), metrics.add,
		}),
	}
	if o.Credentials != nil {
		load = append(load, config.WithCredentialsProvider(o.Credentials))
	}
	cfg, err := config.LoadDefaultConfig(ctx, load...)
	if err != nil {
		return nil, fmt.Errorf("loading the AWS configuration: %w", err)
	}
	cfg.HTTPClient = plainBody{cfg.HTTPClient}
	f := &clientFactory{config: cfg, clock: o.Clock, log: o.Log}
	if o.Endpoint != "" {
		f.endpoint = aws.String(o.Endpoint)
	}
	if o.PricingRegion != "" {
		if !slices.Contains(PricingRegions, o.PricingRegion) {
			return nil, fmt.Errorf("the Pricing API has no endpoint in %q: name one of %s", o.PricingRegion, strings.Join(PricingRegions, ", "))
		}
		f.prices = f.pricing(o.PricingRegion)
	}
	return f, nil
}

// pricing makes the client of the Pricing API, which is asked by the operator's own identity: prices are nobody's.
func (f *clientFactory) pricing(region string) pricing.GetProductsAPIClient {
	cfg := f.config.Copy()
	cfg.Region = region
	cfg.Credentials = signIn{cfg.Credentials}
	cfg.APIOptions = append(cfg.APIOptions, newRateLimits(f.clock).add)
	return pricing.NewFromConfig(cfg, func(o *pricing.Options) {
		override(&o.BaseEndpoint, f.endpoint)
		o.Retryer = retry.NewAdaptiveMode()
	})
}

// clients makes the clients of a scope. No request is made until they are used: the role, if any, is assumed then.
func (f *clientFactory) clients(scope scaling.Scope) *clients {
	cfg := f.config.Copy()
	cfg.Region = scope.Region
	if scope.RoleARN != "" {
		client := sts.NewFromConfig(cfg, func(o *sts.Options) { override(&o.BaseEndpoint, f.endpoint) })
		cfg.Credentials = aws.NewCredentialsCache(stscreds.NewAssumeRoleProvider(client, scope.RoleARN,
			func(o *stscreds.AssumeRoleOptions) { o.RoleSessionName = roleSessionName }))
	}
	cfg.Credentials = signIn{cfg.Credentials}
	cfg.APIOptions = append(cfg.APIOptions, newRateLimits(f.clock).add)
	return &clients{
		databases: rds.NewFromConfig(cfg, func(o *rds.Options) {
			override(&o.BaseEndpoint, f.endpoint)
			o.Retryer = retry.NewAdaptiveMode()
		}),
		changes: rds.NewFromConfig(cfg, func(o *rds.Options) {
			override(&o.BaseEndpoint, f.endpoint)
			// A request that changes something carries no client token, so that a second attempt could be a second change.
			// After a lost answer the operator looks before it asks again.
			o.Retryer = aws.NopRetryer{}
		}),
		metrics: cloudwatch.NewFromConfig(cfg, func(o *cloudwatch.Options) {
			override(&o.BaseEndpoint, f.endpoint)
			o.Retryer = retry.NewAdaptiveMode()
		}),
		autoScalers: applicationautoscaling.NewFromConfig(cfg, func(o *applicationautoscaling.Options) {
			override(&o.BaseEndpoint, f.endpoint)
			o.Retryer = retry.NewAdaptiveMode()
		}),
		prices: f.prices, log: f.log,
	}
}

// plainBody hides that a request's body has a method WriteTo. smithy-go closes the body as soon as the answer begins, and
// its WriteTo then returns io.EOF; net/http, which may still be looking whether more follows, takes that for a failed write
// and closes the connection under the answer. A change would then look lost although AWS has answered.
type plainBody struct{ aws.HTTPClient }

// Do implements aws.HTTPClient.
func (p plainBody) Do(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		r.Body = struct{ io.ReadCloser }{r.Body}
	}
	return p.HTTPClient.Do(r)
}

// signIn marks the errors of a credentials provider as such.
type signIn struct{ aws.CredentialsProvider }

// Retrieve implements aws.CredentialsProvider.
func (s signIn) Retrieve(ctx context.Context) (aws.Credentials, error) {
	c, err := s.CredentialsProvider.Retrieve(ctx)
	if err != nil && ctx.Err() == nil {
		err = &signInError{err}
	}
	return c, err
}

// signInError says that there are no credentials to make a request with.
type signInError struct{ error }

// Unwrap gives the provider's own error.
func (e *signInError) Unwrap() error { return e.error }

// override sets a client's endpoint. On the client it wins over the environment; on the configuration it would not.
func override(endpoint **string, with *string) {
	if with != nil {
		*endpoint = with
	}
}
