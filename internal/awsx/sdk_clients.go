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
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/pricing"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/smithy-go/logging"
	"github.com/aws/smithy-go/middleware"
	"github.com/go-logr/logr"
	"k8s.io/utils/clock"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

const (
	// requestTimeout limits one attempt of one request. The slowest, GetMetricData with 500 queries, takes seconds.
	requestTimeout = 30 * time.Second
	// dialTimeout limits the opening of a connection.
	dialTimeout = 5 * time.Second
)

// rdsReadAPI is the part of the RDS client that reads.
type rdsReadAPI interface {
	rds.DescribeDBClustersAPIClient
	rds.DescribeDBInstancesAPIClient
	rds.DescribeOrderableDBInstanceOptionsAPIClient
	rds.DescribePendingMaintenanceActionsAPIClient
	rds.DescribeDBClusterEndpointsAPIClient
	rds.DescribeBlueGreenDeploymentsAPIClient
	rds.DescribeDBParametersAPIClient
	rds.DescribeDBClusterParametersAPIClient
	rds.DescribeEventsAPIClient
}

// rdsWriteAPI is the part of the RDS client that changes something.
type rdsWriteAPI interface {
	ModifyDBInstance(context.Context, *rds.ModifyDBInstanceInput, ...func(*rds.Options)) (*rds.ModifyDBInstanceOutput, error)
	CreateDBInstance(context.Context, *rds.CreateDBInstanceInput, ...func(*rds.Options)) (*rds.CreateDBInstanceOutput, error)
	ModifyDBCluster(context.Context, *rds.ModifyDBClusterInput, ...func(*rds.Options)) (*rds.ModifyDBClusterOutput, error)
	CreateDBInstanceReadReplica(
		context.Context, *rds.CreateDBInstanceReadReplicaInput, ...func(*rds.Options),
	) (*rds.CreateDBInstanceReadReplicaOutput, error)
	DeleteDBInstance(context.Context, *rds.DeleteDBInstanceInput, ...func(*rds.Options)) (*rds.DeleteDBInstanceOutput, error)
	FailoverDBCluster(context.Context, *rds.FailoverDBClusterInput, ...func(*rds.Options)) (*rds.FailoverDBClusterOutput, error)
}

// sdkClients are the SDK clients of one scope.
type sdkClients struct {
	rdsReader rdsReadAPI
	// policyWriters change databases. See writer.
	policyWriters *policyWriters
	cloudWatch    cloudwatch.GetMetricDataAPIClient
	// autoScaling reads the limits of Aurora Auto Scaling.
	autoScaling applicationautoscaling.DescribeScalableTargetsAPIClient
	// pricing is nil when no prices are to be read; pricingRegion is the region of its endpoint.
	pricing       pricing.GetProductsAPIClient
	pricingRegion string
	log           logr.Logger
}

// sdkClientFactory creates the SDK clients of any scope from one configuration.
type sdkClientFactory struct {
	config        aws.Config
	endpoint      *string
	clock         clock.Clock
	log           logr.Logger
	pricing       pricing.GetProductsAPIClient
	pricingRegion string
}

func newSDKClientFactory(ctx context.Context, o Options) (*sdkClientFactory, error) {
	metrics, err := newRequestMetrics(o.Registerer, o.Clock)
	if err != nil {
		return nil, fmt.Errorf("registering the metrics of AWS requests: %w", err)
	}
	loadOptions := []func(*config.LoadOptions) error{
		config.WithHTTPClient(awshttp.NewBuildableClient().WithTimeout(requestTimeout).
			WithDialerOptions(func(d *net.Dialer) { d.Timeout = dialTimeout })),
		config.WithLogger(logging.LoggerFunc(func(_ logging.Classification, format string, v ...any) {
			o.Log.V(1).Info("AWS SDK: " + fmt.Sprintf(format, v...))
		})),
		config.WithAPIOptions([]func(*middleware.Stack) error{
			awsmiddleware.AddUserAgentKeyValue("dbscaler", o.Version), metrics.addTo,
		}),
	}
	if o.Credentials != nil {
		loadOptions = append(loadOptions, config.WithCredentialsProvider(o.Credentials))
	}
	cfg, err := config.LoadDefaultConfig(ctx, loadOptions...)
	if err != nil {
		return nil, fmt.Errorf("loading the AWS configuration: %w", err)
	}
	if o.WrapHTTPClient != nil {
		cfg.HTTPClient = o.WrapHTTPClient(cfg.HTTPClient)
	}
	cfg.HTTPClient = bodyWithoutWriteTo{cfg.HTTPClient}
	cfg.Credentials = &nodeRoleWarner{CredentialsProvider: cfg.Credentials, log: o.Log}
	f := &sdkClientFactory{config: cfg, clock: o.Clock, log: o.Log}
	if o.Endpoint != "" {
		f.endpoint = aws.String(o.Endpoint)
	}
	if o.PricingRegion != "" {
		if !slices.Contains(PricingRegions, o.PricingRegion) {
			return nil, fmt.Errorf("the Pricing API has no endpoint in region %q that this operator can use: use one of %s. In the China "+
				"and GovCloud partitions, whose credentials are not valid there, use --prices-file", o.PricingRegion,
				strings.Join(PricingRegions, ", "))
		}
		f.pricing, f.pricingRegion = f.newPricingClient(o.PricingRegion), o.PricingRegion
	}
	return f, nil
}

// newPricingClient creates the client of the Pricing API. It uses the operator's own identity, since list prices belong to
// no account.
func (f *sdkClientFactory) newPricingClient(region string) pricing.GetProductsAPIClient {
	cfg := f.config.Copy()
	cfg.Region = region
	cfg.Credentials = credentialsProvider{cfg.Credentials}
	cfg.APIOptions = append(cfg.APIOptions, newRateLimits(f.clock).addTo)
	return pricing.NewFromConfig(cfg, func(o *pricing.Options) {
		overrideEndpoint(&o.BaseEndpoint, f.endpoint)
		o.Retryer = retry.NewAdaptiveMode()
	})
}

// newClients creates the SDK clients of a scope. They make no request until they are used; the first request assumes the
// role, if there is one.
func (f *sdkClientFactory) newClients(scope scaling.Scope) *sdkClients {
	base := f.config.Copy()
	base.Region = scope.Region
	base.APIOptions = append(slices.Clone(base.APIOptions), newRateLimits(f.clock).addTo)
	cfg := base.Copy()
	cfg.Credentials = credentialsProvider{base.Credentials}
	writers := &policyWriters{clock: f.clock, writers: map[string]*policyWriter{}}
	if scope.RoleARN != "" {
		cfg = f.withRole(base, scope, readSessionName)
		writers.newWriter = func(sessionName string) rdsWriteAPI { return f.newWriter(f.withRole(base, scope, sessionName)) }
	}
	writers.shared = f.newWriter(cfg)
	return &sdkClients{
		rdsReader: rds.NewFromConfig(cfg, func(o *rds.Options) {
			overrideEndpoint(&o.BaseEndpoint, f.endpoint)
			o.Retryer = retry.NewAdaptiveMode()
		}),
		policyWriters: writers,
		cloudWatch: cloudwatch.NewFromConfig(cfg, func(o *cloudwatch.Options) {
			overrideEndpoint(&o.BaseEndpoint, f.endpoint)
			o.Retryer = retry.NewAdaptiveMode()
		}),
		autoScaling: applicationautoscaling.NewFromConfig(cfg, func(o *applicationautoscaling.Options) {
			overrideEndpoint(&o.BaseEndpoint, f.endpoint)
			o.Retryer = retry.NewAdaptiveMode()
		}),
		pricing: f.pricing, pricingRegion: f.pricingRegion, log: f.log,
	}
}

// newWriter creates a client that changes databases.
func (f *sdkClientFactory) newWriter(cfg aws.Config) rdsWriteAPI {
	return rds.NewFromConfig(cfg, func(o *rds.Options) {
		overrideEndpoint(&o.BaseEndpoint, f.endpoint)
		// A request that changes something has no client token, so a second attempt could make a second change. After a lost
		// response the operator observes the target before it tries again.
		o.Retryer = aws.NopRetryer{}
	})
}

// bodyWithoutWriteTo hides the method WriteTo of a request's body. smithy-go closes the body as soon as the response starts,
// and WriteTo then returns io.EOF. net/http, which may still be checking for more data, treats that as a failed write and
// closes the connection in the middle of the response. A change would then look lost although AWS has responded.
type bodyWithoutWriteTo struct{ aws.HTTPClient }

// Do implements aws.HTTPClient.
func (p bodyWithoutWriteTo) Do(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		r.Body = struct{ io.ReadCloser }{r.Body}
	}
	return p.HTTPClient.Do(r)
}

// credentialsProvider wraps the errors of another provider in a credentialsError.
type credentialsProvider struct{ aws.CredentialsProvider }

// Retrieve implements aws.CredentialsProvider.
func (p credentialsProvider) Retrieve(ctx context.Context) (aws.Credentials, error) {
	c, err := p.CredentialsProvider.Retrieve(ctx)
	if err != nil && ctx.Err() == nil {
		err = &credentialsError{err}
	}
	return c, err
}

// credentialsError reports that there are no credentials to sign a request with.
type credentialsError struct{ error }

// Unwrap returns the provider's own error.
func (e *credentialsError) Unwrap() error { return e.error }

// overrideEndpoint sets the endpoint of a client, unless override is nil. An endpoint in the options of the client takes
// precedence over the environment; one in the shared configuration would not.
func overrideEndpoint(endpoint **string, override *string) {
	if override != nil {
		*endpoint = override
	}
}
