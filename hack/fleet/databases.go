package main

import (
	"errors"
	"flag"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/rdssim/model"
	"github.com/dbscaler/dbscaler/internal/shard"
)

const (
	// region is where all databases are.
	region = "eu-west-1"
	// instanceClass has two vCPUs.
	instanceClass = "db.r6g.large"
	classVCPUs    = 2
	// maxReaders is the maximum number of readers in every policy.
	maxReaders = 3
	// scaleUpPercent and scaleUpWindow are the defaults of a policy.
	scaleUpPercent = 75
	scaleUpWindow  = 2 * time.Minute
	// meanReaderVCPUs is 45 % of a reader, and raisedReaderVCPUs is 120 %.
	meanReaderVCPUs, raisedReaderVCPUs = 0.9, 2.4
	// engine is that of all clusters.
	engine, engineVersion = "aurora-postgresql", "16.1"
	// firstAccount is the account of the first scope; the others follow.
	firstAccount = 100000000000
)

// fleet is what the databases and policies are made of. The processes build the same fleet from the same flags.
type fleet struct {
	policies, scopes int
	// slow and denied are the numbers of scopes that AWS does not answer, and to which it denies access.
	slow, denied int
	// age is how long ago the databases were created.
	age time.Duration
	// shard says which accounts the operator takes: one shard is measured at a time.
	shard shard.Assignment
}

func (f *fleet) addFlags(flags *flag.FlagSet) {
	flags.IntVar(&f.policies, "policies", 10000, "number of policies, each with an Aurora cluster of a writer and a reader")
	flags.IntVar(&f.scopes, "scopes", 1, "number of AWS accounts that the clusters are spread over")
	flags.IntVar(&f.slow, "slow", 0, "number of accounts that AWS does not answer")
	flags.IntVar(&f.denied, "denied", 0, "number of accounts to which AWS denies access")
	flags.DurationVar(&f.age, "aged", 15*24*time.Hour, "age of the databases at the start: how much past CloudWatch has of them")
}

func (f *fleet) validate() error {
	switch {
	case f.policies < 1 || f.policies > 100000:
		return errors.New("--policies must be from 1 to 100000")
	case f.scopes < 1 || f.scopes > 1000 || f.scopes > f.policies:
		return errors.New("--scopes must be from 1 to 1000, and at most the number of policies")
	case f.slow < 0 || f.denied < 0 || f.slow+f.denied >= f.scopes && f.slow+f.denied > 0:
		return errors.New("--slow and --denied must be at least 0 and leave one scope that is neither")
	case f.age < time.Hour || f.age > 365*24*time.Hour:
		return errors.New("--aged must be from 1h to 8760h")
	}
	return nil
}

// clusterName is the identifier of a cluster, and the name of its policy.
func (f *fleet) clusterName(n int) string { return fmt.Sprintf("db-%05d", n) }

// writerName and readerName are the instances of a cluster at the start.
func (f *fleet) writerName(n int) string { return f.clusterName(n) + "-1" }
func (f *fleet) readerName(n int) string { return f.clusterName(n) + "-2" }

// scopeOf returns the scope of a policy: neighbors are in different scopes.
func (f *fleet) scopeOf(n int) int { return n % f.scopes }

// hasInsights reports whether a cluster publishes DBLoad: half of those of every scope do.
func (f *fleet) hasInsights(n int) bool { return n/f.scopes%2 == 0 }

func accountID(scope int) string { return fmt.Sprintf("%012d", firstAccount+scope) }

func namespaceName(scope int) string { return fmt.Sprintf("fleet-%03d", scope) }

func roleARN(scope int) string { return "arn:aws:iam::" + accountID(scope) + ":role/dbscaler" }

// isSlow and isDenied say what is wrong with a scope: the first ones do not answer, and the next ones deny access.
func (f *fleet) isSlow(scope int) bool   { return scope < f.slow }
func (f *fleet) isDenied(scope int) bool { return scope >= f.slow && scope < f.slow+f.denied }

// isHealthy reports whether the database of a policy can be read, and belongs to the shard.
func (f *fleet) isHealthy(n int) bool { return f.isHealthyScope(f.scopeOf(n)) }

func (f *fleet) isHealthyScope(scope int) bool {
	return scope >= f.slow+f.denied && f.shard.Owns(f.scopeKey(scope))
}

// scopeKey is the scope as package controllers names it.
func (f *fleet) scopeKey(scope int) string {
	if f.scopes == 1 {
		return region + "|"
	}
	return region + "|" + namespaceName(scope)
}

// countHealthy counts the policies whose databases can be read, among the first of the fleet.
func (f *fleet) countHealthy(policies int) int {
	count := 0
	for n := range policies {
		if f.isHealthy(n) {
			count++
		}
	}
	return count
}

// pickChanged returns the policies whose load rises: a percentage of the healthy ones, at equal distances.
func (f *fleet) pickChanged(percent float64) []int {
	var healthy, out []int
	for n := range f.policies {
		if f.isHealthy(n) {
			healthy = append(healthy, n)
		}
	}
	count := int(float64(f.policies)*percent/100 + 0.5)
	if percent > 0 {
		count = max(count, 1)
	}
	count = min(count, len(healthy))
	for k := range count {
		out = append(out, healthy[k*len(healthy)/count])
	}
	return out
}

// scenario returns the databases: Aurora clusters with a load that varies a little over the day, differently for each.
func (f *fleet) scenario(start time.Time) model.Scenario {
	s := model.Scenario{Start: metav1.Time{Time: start}, Seed: 1, AccountID: accountID(0), InstanceQuota: 10 * f.policies}
	for n := range f.policies {
		tags := map[string]string{"dbscaler.io/policy-namespace": namespaceName(f.scopeOf(n)), "team": "platform", "service": f.clusterName(n)}
		peak := model.Instant{Offset: time.Duration(n%96) * 15 * time.Minute}
		s.Databases = append(s.Databases, model.Database{
			Identifier: f.clusterName(n), Region: region, AccountID: accountID(f.scopeOf(n)), Engine: engine, EngineVersion: engineVersion,
			Tags: tags, PerformanceInsights: f.hasInsights(n), Age: metav1.Duration{Duration: f.age}, Steady: true,
			Instances: []model.Member{
				{Identifier: f.writerName(n), Class: instanceClass, Tags: tags}, {Identifier: f.readerName(n), Class: instanceClass, Tags: tags},
			},
			Load: model.Load{
				Writer:  model.Curve{Daily: &model.DailyLoad{MeanVCPUs: 0.6, VariationPercent: 10, Peak: peak}},
				Readers: model.Curve{Daily: &model.DailyLoad{MeanVCPUs: meanReaderVCPUs, VariationPercent: 10, Peak: peak}},
			},
		})
	}
	return s
}

// raisedLoad is the load after a change: far above the scale-up threshold of one reader.
func raisedLoad() model.Load {
	constant := func(vcpus float64) model.Curve { return model.Curve{Points: []model.CurvePoint{{VCPUs: vcpus}}} }
	return model.Load{Writer: constant(0.6), Readers: constant(raisedReaderVCPUs)}
}

// policy returns the policy of a cluster, with the defaults where it says nothing.
func (f *fleet) policy(n int) *v1alpha1.DBScalingPolicy {
	p := &v1alpha1.DBScalingPolicy{
		TypeMeta:   metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: "DBScalingPolicy"},
		ObjectMeta: metav1.ObjectMeta{Namespace: namespaceName(f.scopeOf(n)), Name: f.clusterName(n)},
		Spec: v1alpha1.DBScalingPolicySpec{
			TargetRef: v1alpha1.TargetRef{Kind: v1alpha1.TargetKindDBCluster, Identifier: f.clusterName(n), Region: region},
			Mode:      v1alpha1.ModeEnforce,
			Readers:   &v1alpha1.Readers{InstanceClasses: []v1alpha1.InstanceClass{instanceClass}, MaxReplicas: maxReaders},
		},
	}
	if f.scopes > 1 {
		p.Spec.TargetRef.AccountRef.Name = namespaceName(f.scopeOf(n))
	}
	return p
}

// account returns the AWSAccount of a scope. Its name is that of the scope's namespace.
func (f *fleet) account(scope int) *v1alpha1.AWSAccount {
	return &v1alpha1.AWSAccount{
		TypeMeta:   metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: "AWSAccount"},
		ObjectMeta: metav1.ObjectMeta{Name: namespaceName(scope)},
		Spec: v1alpha1.AWSAccountSpec{
			RoleARN: roleARN(scope),
			NamespaceSelector: &metav1.LabelSelector{
				MatchLabels: map[string]string{"kubernetes.io/metadata.name": namespaceName(scope)},
			},
		},
	}
}
