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

// rdsReadAPI is what the RDS API is read with.
type rdsReadAPI interface {
	rds.DescribeDBClustersAPIClient
	rds.DescribeDBInstancesAPIClient
	rds.DescribeOrderableDBInstanceOptionsAPIClient
	rds.DescribePendingMaintenanceActionsAPIClient
}

// rdsWriteAPI are the RDS requests that change something.
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
	rdsReader  rdsReadAPI
	rdsWriter  rdsWriteAPI
	cloudWatch cloudwatch.GetMetricDataAPIClient
	// autoScaling says which clusters Aurora Auto Scaling manages.
	autoScaling applicationautoscaling.DescribeScalableTargetsAPIClient
	// pricing is nil where the Pricing API is not to be asked.
	pricing pricing.GetProductsAPIClient
	log     logr.Logger
}

// sdkClientFactory makes the clients of any scope from one configuration.
type sdkClientFactory struct {
	config   aws.Config
	endpoint *string
	clock    clock.Clock
	log      logr.Logger
	pricing  pricing.GetProductsAPIClient
}

func newSDKClientFactory(ctx context.Context, o Options) (*sdkClientFactory, error) {
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
			awsmiddleware.AddUserAgentKeyValue("dbscaler", o.Version), metrics.addTo,
		}),
	}
	if o.Credentials != nil {
		load = append(load, config.WithCredentialsProvider(o.Credentials))
	}
	cfg, err := config.LoadDefaultConfig(ctx, load...)
	if err != nil {
		return nil, fmt.Errorf("loading the AWS configuration: %w", err)
	}
	cfg.HTTPClient = bodyWithoutWriteTo{cfg.HTTPClient}
	f := &sdkClientFactory{config: cfg, clock: o.Clock, log: o.Log}
	if o.Endpoint != "" {
		f.endpoint = aws.String(o.Endpoint)
	}
	if o.PricingRegion != "" {
		if !slices.Contains(PricingRegions, o.PricingRegion) {
			return nil, fmt.Errorf("the Pricing API has no endpoint in %q: name one of %s", o.PricingRegion, strings.Join(PricingRegions, ", "))
		}
		f.pricing = f.newPricingClient(o.PricingRegion)
	}
	return f, nil
}

// newPricingClient makes the client of the Pricing API, which is asked by the operator's own identity: prices are nobody's.
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

// newClients makes the clients of a scope. No request is made until they are used: the role, if any, is assumed then.
func (f *sdkClientFactory) newClients(scope scaling.Scope) *sdkClients {
	cfg := f.config.Copy()
	cfg.Region = scope.Region
	if scope.RoleARN != "" {
		client := sts.NewFromConfig(cfg, func(o *sts.Options) { overrideEndpoint(&o.BaseEndpoint, f.endpoint) })
		cfg.Credentials = aws.NewCredentialsCache(stscreds.NewAssumeRoleProvider(client, scope.RoleARN,
			func(o *stscreds.AssumeRoleOptions) { o.RoleSessionName = roleSessionName }))
	}
	cfg.Credentials = credentialsProvider{cfg.Credentials}
	cfg.APIOptions = append(cfg.APIOptions, newRateLimits(f.clock).addTo)
	return &sdkClients{
		rdsReader: rds.NewFromConfig(cfg, func(o *rds.Options) {
			overrideEndpoint(&o.BaseEndpoint, f.endpoint)
			o.Retryer = retry.NewAdaptiveMode()
		}),
		rdsWriter: rds.NewFromConfig(cfg, func(o *rds.Options) {
			overrideEndpoint(&o.BaseEndpoint, f.endpoint)
			// A request that changes something carries no client token, so that a second attempt could be a second change.
			// After a lost answer the operator looks before it asks again.
			o.Retryer = aws.NopRetryer{}
		}),
		cloudWatch: cloudwatch.NewFromConfig(cfg, func(o *cloudwatch.Options) {
			overrideEndpoint(&o.BaseEndpoint, f.endpoint)
			o.Retryer = retry.NewAdaptiveMode()
		}),
		autoScaling: applicationautoscaling.NewFromConfig(cfg, func(o *applicationautoscaling.Options) {
			overrideEndpoint(&o.BaseEndpoint, f.endpoint)
			o.Retryer = retry.NewAdaptiveMode()
		}),
		pricing: f.pricing, log: f.log,
	}
}

// bodyWithoutWriteTo hides that a request's body has a method WriteTo. smithy-go closes the body as soon as the answer begins, and
// its WriteTo then returns io.EOF; net/http, which may still be looking whether more follows, takes that for a failed write
// and closes the connection under the answer. A change would then look lost although AWS has answered.
type bodyWithoutWriteTo struct{ aws.HTTPClient }

// Do implements aws.HTTPClient.
func (p bodyWithoutWriteTo) Do(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		r.Body = struct{ io.ReadCloser }{r.Body}
	}
	return p.HTTPClient.Do(r)
}

// credentialsProvider marks the errors of a credentials provider as such.
type credentialsProvider struct{ aws.CredentialsProvider }

// Retrieve implements aws.CredentialsProvider.
func (s credentialsProvider) Retrieve(ctx context.Context) (aws.Credentials, error) {
	c, err := s.CredentialsProvider.Retrieve(ctx)
	if err != nil && ctx.Err() == nil {
		err = &credentialsError{err}
	}
	return c, err
}

// credentialsError says that there are no credentials to make a request with.
type credentialsError struct{ error }

// Unwrap gives the provider's own error.
func (e *credentialsError) Unwrap() error { return e.error }

// overrideEndpoint sets a client's endpoint. On the client it wins over the environment; on the configuration it would not.
func overrideEndpoint(endpoint **string, with *string) {
	if with != nil {
		*endpoint = with
	}
}
