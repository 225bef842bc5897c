package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"k8s.io/utils/clock"

	"github.com/dbscaler/dbscaler/internal/backtest"
	"github.com/dbscaler/dbscaler/internal/backtest/recording"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// loadFlags are the flags for the recorded load and the database that it is simulated on.
type loadFlags struct {
	metrics            string
	class              string
	count              int
	scale              float64
	pool               string
	startClass         string
	startCount         int
	writerClass        string
	readers            int
	engine             string
	multiAZ            bool
	withoutInsights    bool
	seed               int64
	cloudWatchLookback time.Duration
	endpointURL        string
	// roleARN and externalID replace the AWSAccount of the policy, which the author of a policy may not be allowed to read.
	roleARN, externalID string
	// isSet reports whether a flag is on the command line.
	isSet func(name string) bool
}

func (l *loadFlags) addTo(f *pflag.FlagSet) {
	l.isSet = f.Changed
	f.StringVar(&l.metrics, "metrics", "",
		"File with the recorded load: CSV with the columns timestamp,value (and optionally dbload for DBLoadCPU), or the JSON output of "+
			"aws cloudwatch get-metric-data")
	f.DurationVar(&l.cloudWatchLookback, "cloudwatch", 0,
		"Read the load of the policy's own target from CloudWatch for this duration up to now (336h for two weeks), with your AWS credentials")
	f.StringVar(&l.endpointURL, "endpoint-url", "", "URL that replaces the AWS endpoints, with --cloudwatch")
	f.StringVar(&l.roleARN, "role-arn", "",
		"Role to assume with your AWS credentials, with --cloudwatch, for example when the database is in another account")
	f.StringVar(&l.externalID, "external-id", "", "External ID that the trust policy of --role-arn requires")
	f.StringVar(&l.class, "class", "", "Instance class of the recording, when it is in percent CPU")
	f.IntVar(&l.count, "count", 0, "Number of instances that the recording is the mean of (default 1)")
	f.Float64Var(&l.scale, "scale", 0, "vCPUs per unit of the recording, when it is not in percent CPU")
	f.StringVar(&l.pool, "pool", "", "Pool of the recording: readers or writer (default: readers if the policy scales them, otherwise writer)")
	f.StringVar(&l.startClass, "start-class", "", "Initial instance class (default: --class, otherwise the first class of the policy)")
	f.IntVar(&l.startCount, "start-count", 0, "Initial number of readers (default: --count, otherwise the minimum of the policy)")
	f.StringVar(&l.writerClass, "writer-class", "",
		"Instance class of the writer, when the readers are simulated (default: the first class of the policy)")
	f.IntVar(&l.readers, "readers", 1,
		"Number of readers, when the writer of a cluster is simulated; unless set, at least readers.minReplicas of the policy")
	f.StringVar(&l.engine, "engine", "", "Engine as the RDS API names it (default: aurora-postgresql, or postgres for a DBInstance)")
	f.BoolVar(&l.multiAZ, "multi-az", false, "Simulate a Multi-AZ DBInstance, which has a standby")
	f.BoolVar(&l.withoutInsights, "without-insights", false,
		"Simulate a database without Performance Insights or Database Insights, and so without DBLoadCPU")
	f.Int64Var(&l.seed, "seed", 1, "Seed of the random durations of changes")
}

// describeSource returns a readable name of the recording.
func (l *loadFlags) describeSource(policy scaling.Policy) string {
	if l.cloudWatchLookback > 0 {
		return fmt.Sprintf("CloudWatch, the last %s of %s", l.cloudWatchLookback, policy.Target)
	}
	return l.metrics
}

// selectPool returns the pool of the recording.
func (l *loadFlags) selectPool(policy scaling.Policy) (scaling.Pool, error) {
	switch strings.ToLower(l.pool) {
	case "readers":
		return scaling.Readers, nil
	case "writer":
		return scaling.Writer, nil
	case "":
		if policy.Readers != nil {
			return scaling.Readers, nil
		}
		return scaling.Writer, nil
	}
	return "", asInputError(fmt.Errorf("--pool is %q: it must be readers or writer", l.pool))
}

// maxReaders is the maximum number of readers in an Aurora cluster (Aurora user guide, "Aurora Replicas").
const maxReaders = 15

// validate checks the values and the combination of the flags.
func (l *loadFlags) validate() error {
	for _, f := range []struct {
		name       string
		value, min int
	}{{"count", l.count, 1}, {"start-count", l.startCount, 1}, {"readers", l.readers, 0}} {
		if l.isSet(f.name) && (f.value < f.min || f.value > maxReaders) {
			return fmt.Errorf("--%s is %d: it must be %d to %d", f.name, f.value, f.min, maxReaders)
		}
	}
	if l.isSet("scale") && !(l.scale > 0) || math.IsInf(l.scale, 0) {
		return fmt.Errorf("--scale is %g: it must be more than 0", l.scale)
	}
	if l.isSet("cloudwatch") && l.cloudWatchLookback <= 0 {
		return fmt.Errorf("--cloudwatch is %s: it must be more than 0, for example 336h for two weeks", l.cloudWatchLookback)
	}
	for _, name := range []string{"role-arn", "external-id"} {
		if l.cloudWatchLookback <= 0 && l.isSet(name) {
			return fmt.Errorf("--%s is only valid with --cloudwatch", name)
		}
	}
	if l.externalID != "" && l.roleARN == "" {
		return errors.New("--external-id is only valid with --role-arn")
	}
	for _, name := range flagsReadFromAWS {
		if l.cloudWatchLookback > 0 && l.isSet(name) {
			return fmt.Errorf("--%s is only valid with --metrics: with --cloudwatch it is read from AWS", name)
		}
	}
	return nil
}

// flagsReadFromAWS are the flags whose values --cloudwatch reads from AWS.
var flagsReadFromAWS = []string{"class", "count", "scale", "writer-class", "readers", "engine", "multi-az"}

// withRole returns the policy with the role of the flags. The commands do not read AWSAccounts: their users need no access to them.
func (l *loadFlags) withRole(policy scaling.Policy) scaling.Policy {
	policy.Target.Scope.RoleARN, policy.Target.Scope.ExternalID = l.roleARN, l.externalID
	return policy
}

// newSetup reads the recording and returns the setup of the simulation.
func (l *loadFlags) newSetup(ctx context.Context, clk clock.Clock, policy scaling.Policy) (backtest.Setup, error) {
	pool, err := l.selectPool(policy)
	if err := cmp.Or(err, asInputError(l.validate())); err != nil {
		return backtest.Setup{}, err
	}
	s := backtest.Setup{
		Policy: policy, Pool: pool, Engine: l.engine, MultiAZ: l.multiAZ, PerformanceInsights: !l.withoutInsights, Seed: l.seed,
	}
	switch {
	case l.metrics == "" && l.cloudWatchLookback <= 0:
		return s, asInputError(errors.New("no recorded load: set --metrics to its file, or read it from AWS with --cloudwatch"))
	case l.metrics != "" && l.cloudWatchLookback > 0:
		return s, asInputError(errors.New("set either --metrics or --cloudwatch, not both"))
	case l.cloudWatchLookback > 0:
		fetched, err := fetchLoad(ctx, clk, l.endpointURL, l.withRole(policy), pool, l.cloudWatchLookback)
		if err != nil {
			return s, err
		}
		s.Recording, s.InitialShape, s.OtherPoolShape = fetched.recording, fetched.startShape, fetched.otherPoolShape
		s.Engine, s.MultiAZ = fetched.engine, fetched.multiAZ
		return l.withStartFlags(s), nil
	}
	s.InitialShape = scaling.Shape{InstanceClass: l.class, Count: l.count}
	options := recording.Options{Class: l.class, Count: l.count, Scale: l.scale, Engine: l.engine}
	if s.Recording, err = recording.Open(l.metrics, options); err != nil {
		return s, asInputError(err)
	}
	s = l.withStartFlags(s)
	if s.InitialShape.Count == 0 && s.Pool == scaling.Readers && policy.Readers != nil {
		s.InitialShape.Count = policy.Readers.Min
	}
	if s.Pool == scaling.Readers {
		s.OtherPoolShape.InstanceClass = l.writerClass
	} else if policy.Target.Kind == scaling.DBCluster {
		s.OtherPoolShape.Count = l.readers
		if policy.Readers != nil && !l.isSet("readers") {
			s.OtherPoolShape.Count = max(l.readers, policy.Readers.Min)
		}
	}
	return s, nil
}

// withStartFlags applies --start-class and --start-count to a setup.
func (l *loadFlags) withStartFlags(s backtest.Setup) backtest.Setup {
	s.InitialShape.InstanceClass = cmp.Or(l.startClass, s.InitialShape.InstanceClass)
	s.InitialShape.Count = cmp.Or(l.startCount, s.InitialShape.Count)
	return s
}
