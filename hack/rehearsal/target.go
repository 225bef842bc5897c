package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/pricing"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"

	"github.com/dbscaler/dbscaler/internal/awsx"
	"github.com/dbscaler/dbscaler/internal/rdssim"
	"github.com/dbscaler/dbscaler/internal/rdssim/model"
	"github.com/dbscaler/dbscaler/internal/simclock"
)

// target is AWS, or a simulator in its place, with the clients that use it.
type target struct {
	region, account string
	endpoint        string
	credentials     aws.CredentialsProvider
	clock           clock.Clock
	rds             *rds.Client
	sts             *sts.Client
	pricing         *pricing.Client
	pricingRegion   string
	// isSimulator says that the target is known to be a simulator, which costs nothing.
	isSimulator bool
	stop        func()
}

// simulatorStart is the first simulated time of simulators that the rehearsal starts.
var simulatorStart = time.Date(2024, 2, 5, 3, 0, 0, 0, time.UTC)

// connect returns the target that the settings name.
func connect(ctx context.Context, s settings) (*target, error) {
	switch s.endpoint {
	case "":
		return newTarget(ctx, target{region: s.region, account: s.account, clock: wallClock, stop: func() {}})
	case simulatorEndpoint:
		return startSimulator(ctx, s.region, s.account)
	}
	endpoint, err := url.Parse(s.endpoint)
	if err != nil || endpoint.Host == "" {
		return nil, usageError{fmt.Errorf("--endpoint-url %q is not a URL: pass one such as http://127.0.0.1:8790", s.endpoint)}
	}
	if ip := net.ParseIP(endpoint.Hostname()); ip == nil || !ip.IsLoopback() {
		return nil, usageError{fmt.Errorf("--endpoint-url %s: want a simulator on the loopback interface, such as http://127.0.0.1:8790; "+
			"for AWS leave the flag out", s.endpoint)}
	}
	now, err := readSimulatedTime(ctx, s.endpoint, s.region)
	if err != nil {
		return nil, usageError{fmt.Errorf("--endpoint-url %s: no simulator answers there: %w; start one with `go run ./hack/rdssim`",
			s.endpoint, err)}
	}
	return newTarget(ctx, target{
		region: s.region, account: s.account, endpoint: s.endpoint, credentials: simulatorCredentials, isSimulator: true, stop: func() {},
		clock: simclock.Scaled{Origin: wallClock.Now(), Start: now, Speed: s.endpointSpeed},
	})
}

// simulatorCredentials are for simulators, which do not verify signatures, so that real credentials are never sent to one.
var simulatorCredentials = credentials.NewStaticCredentialsProvider("rehearsal", "simulated", "")

// startSimulator starts a simulator without databases on the loopback interface.
func startSimulator(ctx context.Context, region, account string) (*target, error) {
	world, err := model.New(model.Scenario{Start: metav1.NewTime(simulatorStart), AccountID: account, Seed: 1})
	if err != nil {
		return nil, err
	}
	clk := simclock.NewStepping(simulatorStart)
	return serveSimulator(ctx, region, account, rdssim.New(rdssim.Options{World: world, AccountID: account, Clock: clk}), clk)
}

// headerTimeout limits how long a client of a simulator may take to send the header of a request.
const headerTimeout = 10 * time.Second

// serveSimulator serves a simulated AWS on the loopback interface until the target's stop is called.
func serveSimulator(ctx context.Context, region, account string, handler http.Handler, clk clock.Clock) (*target, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("starting a simulator: %w", err)
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: headerTimeout}
	go func() { _ = server.Serve(listener) }() // until Close
	return newTarget(ctx, target{
		region: region, account: account, endpoint: "http://" + listener.Addr().String(), credentials: simulatorCredentials, clock: clk,
		isSimulator: true, stop: func() { _ = server.Close() },
	})
}

// readSimulatedTime returns the time of a running simulator.
func readSimulatedTime(ctx context.Context, endpoint, region string) (time.Time, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, endpoint+"/_sim/state?region="+url.QueryEscape(region), nil)
	if err != nil {
		return time.Time{}, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return time.Time{}, err
	}
	defer func() { _ = response.Body.Close() }() // it was read as far as needed
	var state struct {
		Time time.Time `json:"time"`
	}
	err = json.NewDecoder(response.Body).Decode(&state)
	if err == nil && state.Time.IsZero() {
		err = errors.New("its answer has no time")
	}
	return state.Time, err
}

// newTarget adds the clients. They make no request yet.
func newTarget(ctx context.Context, t target) (*target, error) {
	options := []func(*config.LoadOptions) error{config.WithRegion(t.region)}
	if t.credentials != nil {
		options = append(options, config.WithCredentialsProvider(t.credentials))
	}
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, usageError{fmt.Errorf("the AWS configuration cannot be read: %w; check AWS_PROFILE and ~/.aws/config", err)}
	}
	t.pricingRegion = pricingRegionFor(t.region)
	cfg.HTTPClient = recordRequests(cfg.HTTPClient)
	if t.endpoint != "" {
		cfg.BaseEndpoint = aws.String(t.endpoint)
	}
	t.rds, t.sts = rds.NewFromConfig(cfg), sts.NewFromConfig(cfg)
	t.pricing = pricing.NewFromConfig(cfg, func(o *pricing.Options) { o.Region = t.pricingRegion })
	return &t, nil
}

// newOperatorClient returns the client of the operator.
func (t *target) newOperatorClient(ctx context.Context) (*awsx.Client, error) {
	return awsx.New(ctx, awsx.Options{
		Endpoint: t.endpoint, Credentials: t.credentials, Clock: t.clock, WrapHTTPClient: recordRequests, Version: "rehearsal",
		PricingRegion: t.pricingRegion,
	})
}

// pricingRegionFor returns the nearest region with an endpoint of the Pricing API.
func pricingRegionFor(region string) string {
	switch region[:2] {
	case "eu", "me", "af", "il":
		return "eu-central-1"
	case "ap":
		return "ap-south-1"
	default:
		return "us-east-1"
	}
}

// checkAccount returns an error unless the credentials belong to the expected account.
func (t *target) checkAccount(ctx context.Context) error {
	identity, err := t.sts.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return fmt.Errorf("the account cannot be checked: %w; sign in (`aws sso login`, or set AWS_PROFILE) and try again", awsx.Classify(err))
	}
	if account := aws.ToString(identity.Account); account != t.account {
		return usageError{fmt.Errorf("the credentials belong to account %s, and --account is %s: nothing was created; use other credentials, "+
			"or pass --account %s if that is the account for the rehearsal", account, t.account, account)}
	}
	return nil
}

// place says where the databases are.
func (t *target) place() string {
	if t.isSimulator {
		return "a simulator at " + t.endpoint
	}
	return "AWS account " + t.account + " in " + t.region
}
