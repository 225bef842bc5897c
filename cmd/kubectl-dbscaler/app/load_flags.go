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

// loadFlags say what load is played, and on what.
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
	// isSet says whether a flag was given.
	isSet func(name string) bool
}

func (l *loadFlags) addTo(f *pflag.FlagSet) {
	l.isSet = f.Changed
	f.StringVar(&l.metrics, "metrics", "",
		"Recording of the load: a CSV file with the columns timestamp,value (and dbload, if DBLoadCPU was recorded), or what "+
			"aws cloudwatch get-metric-data printed")
	f.DurationVar(&l.cloudWatchLookback, "cloudwatch", 0,
		"Read the load of the policy's own target from CloudWatch instead, so far back (336h are two weeks), with your AWS credentials")
	f.StringVar(&l.endpointURL, "endpoint-url", "", "Where AWS is called instead, with --cloudwatch")
	f.StringVar(&l.class, "class", "", "Instance class that the recording, in percent CPU, was made on")
	f.IntVar(&l.count, "count", 0, "Number of instances that it is the mean of (default 1)")
	f.Float64Var(&l.scale, "scale", 0, "vCPUs of one unit of the recording, where it is not in percent")
	f.StringVar(&l.pool, "pool", "", "Pool that the recording is of: readers or writer (default readers, where the policy scales them)")
	f.StringVar(&l.startClass, "start-class", "", "Instance class to begin with (default: --class, or else the policy's first)")
	f.IntVar(&l.startCount, "start-count", 0, "Number of readers to begin with (default: --count, or else the policy's least)")
	f.StringVar(&l.writerClass, "writer-class", "", "Class of the writer, where the readers are played (default: the policy's first)")
	f.IntVar(&l.readers, "readers", 1, "Number of readers, where the writer of a cluster is played")
	f.StringVar(&l.engine, "engine", "", "Engine as the RDS API writes it (default aurora-postgresql, or postgres for a DBInstance)")
	f.BoolVar(&l.multiAZ, "multi-az", false, "Whether a DBInstance has a standby")
	f.BoolVar(&l.withoutInsights, "without-insights", false,
		"Play a database without Performance Insights or Database Insights, and so without DBLoadCPU")
	f.Int64Var(&l.seed, "seed", 1, "Draws how long each change takes")
}

// describeSource names the recording for people.
func (l *loadFlags) describeSource(policy scaling.Policy) string {
	if l.cloudWatchLookback > 0 {
		return fmt.Sprintf("CloudWatch, the last %s of %s", l.cloudWatchLookback, policy.Target)
	}
	return l.metrics
}

// selectPool is the pool that the recording is of.
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
	return "", asInputError(fmt.Errorf("--pool: %q is neither readers nor writer", l.pool))
}

// maxReaders is how many readers an Aurora cluster has at most (Aurora user guide, "Aurora Replicas").
const maxReaders = 15

// validate says which number makes no sense.
func (l *loadFlags) validate() error {
	for _, n := range []struct {
		flag      string
		is, least int
	}{{"count", l.count, 1}, {"start-count", l.startCount, 1}, {"readers", l.readers, 0}} {
		if l.isSet(n.flag) && (n.is < n.least || n.is > maxReaders) {
			return fmt.Errorf("--%s is %d: it must be %d to %d", n.flag, n.is, n.least, maxReaders)
		}
	}
	if l.isSet("scale") && !(l.scale > 0) || math.IsInf(l.scale, 0) {
		return fmt.Errorf("--scale is %g: it must be more than 0", l.scale)
	}
	if l.isSet("cloudwatch") && l.cloudWatchLookback <= 0 {
		return fmt.Errorf("--cloudwatch is %s: it must be more than 0, 336h for two weeks", l.cloudWatchLookback)
	}
	for _, name := range flagsReadFromAWS {
		if l.cloudWatchLookback > 0 && l.isSet(name) {
			return fmt.Errorf("--%s goes with --metrics: with --cloudwatch it is read from AWS", name)
		}
	}
	return nil
}

// flagsReadFromAWS are the flags that say what CloudWatch and RDS know by themselves.
var flagsReadFromAWS = []string{"class", "count", "scale", "writer-class", "readers", "engine", "multi-az"}

// newSetup reads the recording and puts everything together.
func (l *loadFlags) newSetup(ctx context.Context, clk clock.Clock, policy scaling.Policy) (backtest.Setup, error) {
	pool, err := l.selectPool(policy)
	if err := cmp.Or(err, asInputError(l.validate())); err != nil {
		return backtest.Setup{}, err
	}
	s := backtest.Setup{Policy: policy, Pool: pool, Engine: l.engine, MultiAZ: l.multiAZ, PerformanceInsights: !l.withoutInsights, Seed: l.seed}
	switch {
	case l.metrics == "" && l.cloudWatchLookback <= 0:
		return s, asInputError(errors.New("--metrics is missing: name the file with the recorded load, or read it with --cloudwatch"))
	case l.metrics != "" && l.cloudWatchLookback > 0:
		return s, asInputError(errors.New("give --metrics or --cloudwatch, and not both"))
	case l.cloudWatchLookback > 0:
		f, err := fetchLoad(ctx, clk, l.endpointURL, policy, pool, l.cloudWatchLookback)
		if err != nil {
			return s, err
		}
		s.Recording, s.InitialShape, s.OtherPoolShape, s.Engine, s.MultiAZ = f.recording, f.startShape, f.otherPoolShape, f.engine, f.multiAZ
		return l.withStartFlags(s), nil
	}
	s.InitialShape = scaling.Shape{InstanceClass: l.class, Count: l.count}
	of := recording.Options{Class: l.class, Count: l.count, Scale: l.scale, Engine: l.engine}
	if s.Recording, err = recording.Open(l.metrics, of); err != nil {
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

// withStartFlags begins with what was asked for.
func (l *loadFlags) withStartFlags(s backtest.Setup) backtest.Setup {
	s.InitialShape.InstanceClass = cmp.Or(l.startClass, s.InitialShape.InstanceClass)
	s.InitialShape.Count = cmp.Or(l.startCount, s.InitialShape.Count)
	return s
}
