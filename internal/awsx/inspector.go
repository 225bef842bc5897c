package awsx

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// ErrNoCredentials says that there are no AWS credentials to sign a request with.
var ErrNoCredentials = errors.New("no AWS credentials")

// Inspector reads what a check of an installation needs and the operator itself does not: identities, simulated permissions and quotas.
// It uses the identity of a scope and changes nothing.
type Inspector struct {
	scope  scaling.Scope
	client *scopeClient
	sts    *sts.Client
	iam    *iam.Client
	rds    *rds.Client
}

// NewInspector returns the inspector of a scope. It makes no request before it is used. It is not a method of Client, which would make the
// SDK of IAM a part of the operator: the linker keeps all methods of a type that an interface holds.
func NewInspector(c *Client, scope scaling.Scope) *Inspector {
	cfg := c.factory.config.Copy()
	if cfg.Region == "" || scope.RoleARN != "" {
		cfg.Region = scope.Region
	}
	endpoint := c.factory.endpoint
	if scope.RoleARN != "" {
		cfg = c.factory.withRole(cfg, scope, readSessionName)
	} else {
		cfg.Credentials = credentialsProvider{cfg.Credentials}
	}
	regional := cfg.Copy()
	regional.Region = scope.Region
	return &Inspector{
		scope: scope, client: c.clientForScope(scope),
		sts: sts.NewFromConfig(cfg, func(o *sts.Options) { overrideEndpoint(&o.BaseEndpoint, endpoint) }),
		iam: iam.NewFromConfig(regional, func(o *iam.Options) { overrideEndpoint(&o.BaseEndpoint, endpoint) }),
		rds: rds.NewFromConfig(regional, func(o *rds.Options) { overrideEndpoint(&o.BaseEndpoint, endpoint) }),
	}
}

// Identity is who makes the requests of a scope.
type Identity struct {
	// ARN is that of a user, or of the session of a role.
	ARN string
	// Account is the number of the AWS account.
	Account string
}

// Identity asks AWS who makes the requests. That needs no permission (STS API reference, GetCallerIdentity), and assumes the role of the
// scope, if it has one. The error matches ErrNoCredentials when there are none.
func (i *Inspector) Identity(ctx context.Context) (Identity, error) {
	out, err := i.sts.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return Identity{}, i.classify(err)
	}
	return Identity{ARN: aws.ToString(out.Arn), Account: aws.ToString(out.Account)}, nil
}

// classify is classify of the scope. A failure to get credentials that AWS did not answer matches ErrNoCredentials.
func (i *Inspector) classify(err error) error {
	var credentialsErr *credentialsError
	if errors.As(err, &credentialsErr) && sdkCallOf(credentialsErr.error).innermost != "sts:AssumeRole" {
		return fmt.Errorf("%w: %w", ErrNoCredentials, credentialsErr.error)
	}
	return classifyRead(err, i.scope, readTimeout)
}

// sessionPattern matches the ARN of the session of a role, and its role's name.
var sessionPattern = regexp.MustCompile(`^arn:(aws[a-z-]*):sts::([0-9]{12}):assumed-role/([^/]+)/.+$`)

// Principal returns the ARN of the user or role behind an identity, which the simulation of permissions wants. The ARN of a session lacks
// the path of the role, which iam:GetRole tells; when that is denied, the role is taken to have none.
func (i *Inspector) Principal(ctx context.Context, identity Identity) (string, error) {
	match := sessionPattern.FindStringSubmatch(identity.ARN)
	switch {
	case match == nil && strings.Contains(identity.ARN, ":iam::") && !strings.HasSuffix(identity.ARN, ":root"):
		return identity.ARN, nil
	case match == nil:
		return "", fmt.Errorf("the permissions of %s cannot be simulated: only those of users and roles can", identity.ARN)
	}
	out, err := i.iam.GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String(match[3])})
	if err != nil {
		withoutPath := "arn:" + match[1] + ":iam::" + match[2] + ":role/" + match[3]
		return withoutPath, nil //nolint:nilerr // the simulation reports a role that does not exist
	}
	return aws.ToString(out.Role.Arn), nil
}

// Quota is a quota of RDS in an account and region.
type Quota struct {
	// Name is that of the RDS API, for example DBInstances.
	Name      string
	Used, Max int
}

// Quotas reads the quotas of the account in the region of the scope. It needs rds:DescribeAccountAttributes.
func (i *Inspector) Quotas(ctx context.Context) ([]Quota, error) {
	out, err := i.rds.DescribeAccountAttributes(ctx, &rds.DescribeAccountAttributesInput{})
	if err != nil {
		return nil, i.classify(err)
	}
	var quotas []Quota
	for _, q := range out.AccountQuotas {
		quotas = append(quotas, Quota{Name: aws.ToString(q.AccountQuotaName), Used: int(aws.ToInt64(q.Used)), Max: int(aws.ToInt64(q.Max))})
	}
	return quotas, nil
}

// Settings are what a target has that its observation does not state. Empty strings are not known.
type Settings struct {
	// SubnetGroup, ParameterGroup, OptionGroup and MonitoringRoleARN are those of the writer, or of the source instance: what a new reader
	// is created with.
	SubnetGroup, ParameterGroup, OptionGroup, MonitoringRoleARN string
	// Insights says for each instance whether Performance Insights is on.
	Insights map[string]bool
}

// Settings returns the settings of a target from the newest topology that was read for it; false when it was not found there.
func (i *Inspector) Settings(target scaling.Target) (Settings, bool) {
	i.client.mu.RLock()
	defer i.client.mu.RUnlock()
	view := i.client.topologyOf(target)
	if view == nil {
		return Settings{}, false
	}
	o := view.observe(target)
	if !o.Found {
		return Settings{}, false
	}
	s := Settings{Insights: map[string]bool{}}
	for _, instance := range o.Instances {
		db := view.instance(instance.Identifier)
		s.Insights[instance.Identifier] = aws.ToBool(db.PerformanceInsightsEnabled)
		if !instance.Writer {
			continue
		}
		if db.DBSubnetGroup != nil {
			s.SubnetGroup = aws.ToString(db.DBSubnetGroup.DBSubnetGroupName)
		}
		if len(db.DBParameterGroups) > 0 {
			s.ParameterGroup = aws.ToString(db.DBParameterGroups[0].DBParameterGroupName)
		}
		if len(db.OptionGroupMemberships) > 0 {
			s.OptionGroup = aws.ToString(db.OptionGroupMemberships[0].OptionGroupName)
		}
		if aws.ToInt32(db.MonitoringInterval) > 0 {
			s.MonitoringRoleARN = aws.ToString(db.MonitoringRoleArn)
		}
	}
	if target.Kind == scaling.DBCluster {
		s.SubnetGroup = aws.ToString(view.cluster(target.Identifier).DBSubnetGroup)
	}
	return s, true
}

// ReadResult is the result of one read of the operator.
type ReadResult struct {
	// Action is the IAM action, for example rds:DescribeDBClusters.
	Action string
	// Err is nil when AWS allowed the read.
	Err error
}

// CheckReads makes each read of the operator once, in the order of the statement Read of config/iam/policy.json. withPrices includes the
// Pricing API. o may be empty when the target could not be observed.
func (i *Inspector) CheckReads(ctx context.Context, target scaling.Target, o scaling.Observation, withPrices bool) []ReadResult {
	c := i.client
	var results []ReadResult
	add := func(action string, err error) {
		results = append(results, ReadResult{Action: action, Err: i.classify(err)})
	}
	_, err := listBlueGreenDeployments(ctx, c.rdsReader)
	add("rds:DescribeBlueGreenDeployments", err)
	if target.Kind == scaling.DBCluster {
		_, err = listCustomEndpoints(ctx, c.rdsReader)
		add("rds:DescribeDBClusterEndpoints", err)
		_, err = listParameters(ctx, c.rdsReader, parameterGroupKey{name: i.parameterGroup(target, o, true), isCluster: true})
		add("rds:DescribeDBClusterParameters", ignoreMissingGroup(err))
	}
	t := newTopology(c.clock.Now())
	add("rds:DescribeDBClusters", t.readClusters(ctx, c.rdsReader, nil, &topology{}))
	add("rds:DescribeDBInstances", t.readInstances(ctx, c.rdsReader, nil, &topology{}))
	_, err = listParameters(ctx, c.rdsReader, parameterGroupKey{name: i.parameterGroup(target, o, false)})
	add("rds:DescribeDBParameters", ignoreMissingGroup(err))
	_, err = listEvents(ctx, c.rdsReader, c.clock.Now().Add(-time.Hour), c.clock.Now())
	add("rds:DescribeEvents", err)
	if o.Found {
		_, err = listOrderableOptions(ctx, c.rdsReader, orderableKeyFor(o))
		add("rds:DescribeOrderableDBInstanceOptions", err)
	}
	_, err = listPendingMaintenance(ctx, c.rdsReader)
	add("rds:DescribePendingMaintenanceActions", err)
	add("cloudwatch:GetMetricData", i.checkMetrics(ctx))
	if target.Kind == scaling.DBCluster {
		_, err = listAutoScalingLimits(ctx, c.autoScaling)
		add("application-autoscaling:DescribeScalableTargets", err)
	}
	if withPrices && c.pricing != nil && o.Found {
		if key, known := i.priceKey(target); known {
			_, err = listPrices(ctx, c.pricing, key)
			add("pricing:GetProducts", err)
		}
	}
	return results
}

// priceKey returns the key of the prices of a target.
func (i *Inspector) priceKey(target scaling.Target) (priceKey, bool) {
	i.client.mu.RLock()
	defer i.client.mu.RUnlock()
	if view := i.client.topologyOf(target); view != nil {
		return view.priceKeyFor(target, i.scope.Region)
	}
	return priceKey{}, false
}

// unknownGroup is the name of a parameter group to ask for when no other is known: AWS checks the permission first.
const unknownGroup = "dbscaler-doctor"

// parameterGroup returns a parameter group of a target, or unknownGroup.
func (i *Inspector) parameterGroup(target scaling.Target, o scaling.Observation, isCluster bool) string {
	if isCluster {
		i.client.mu.RLock()
		defer i.client.mu.RUnlock()
		if view := i.client.topologyOf(target); view != nil && view.clusterGroup(target) != "" {
			return view.clusterGroup(target)
		}
		return unknownGroup
	}
	for _, instance := range o.Instances {
		if len(instance.ParameterGroups) > 0 {
			return instance.ParameterGroups[0]
		}
	}
	return unknownGroup
}

// missingGroupCodes are the error codes of AWS for a parameter group that does not exist.
var missingGroupCodes = []string{"DBParameterGroupNotFound", "DBParameterGroupNotFoundFault", "DBClusterParameterGroupNotFound"}

// ignoreMissingGroup returns nil for the error that a parameter group does not exist: AWS allowed the request.
func ignoreMissingGroup(err error) error {
	var apiErr interface{ ErrorCode() string }
	if errors.As(err, &apiErr) && slices.Contains(missingGroupCodes, apiErr.ErrorCode()) {
		return nil
	}
	return err
}

// checkMetrics requests one metric of the last minutes, of no database.
func (i *Inspector) checkMetrics(ctx context.Context) error {
	now := i.client.clock.Now()
	_, err := i.client.cloudWatch.GetMetricData(ctx, &cloudwatch.GetMetricDataInput{
		StartTime: aws.Time(now.Add(-scaling.MaxSampleAge)), EndTime: aws.Time(now),
		MetricDataQueries: []cwtypes.MetricDataQuery{{Id: aws.String("check"), MetricStat: &cwtypes.MetricStat{
			Metric: &cwtypes.Metric{Namespace: aws.String("AWS/RDS"), MetricName: aws.String("CPUUtilization")},
			Period: aws.Int32(int32(time.Minute / time.Second)), Stat: aws.String("Average"),
		}}},
	})
	return err
}
