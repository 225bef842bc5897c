package awsx

import (
	"cmp"
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

const (
	// blueGreenInterval is how often blue/green deployments are read, and blueGreenRetryInterval how soon after an error. The creation
	// of the green environment takes longer than that.
	blueGreenInterval      = 3 * time.Minute
	blueGreenRetryInterval = time.Minute
)

// listBlueGreenDeployments returns the blue/green deployments of a scope that have not been switched over, by the ARNs of the resources
// in both environments.
func listBlueGreenDeployments(ctx context.Context, client rdsReadAPI) (map[string]scaling.BlueGreenDeployment, error) {
	byARN := map[string]scaling.BlueGreenDeployment{}
	pages := rds.NewDescribeBlueGreenDeploymentsPaginator(client, &rds.DescribeBlueGreenDeploymentsInput{
		MaxRecords: aws.Int32(describePageSize),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, d := range page.BlueGreenDeployments {
			if aws.ToString(d.Status) != scaling.BlueGreenCompleted {
				addBlueGreenDeployment(byARN, d)
			}
		}
	}
	return byARN, nil
}

func addBlueGreenDeployment(byARN map[string]scaling.BlueGreenDeployment, d types.BlueGreenDeployment) {
	add := func(arn *string, role scaling.BlueGreenRole) {
		if aws.ToString(arn) != "" {
			byARN[aws.ToString(arn)] = scaling.BlueGreenDeployment{
				Name: cmp.Or(aws.ToString(d.BlueGreenDeploymentName), aws.ToString(d.BlueGreenDeploymentIdentifier)),
				Role: role, Status: aws.ToString(d.Status),
			}
		}
	}
	for _, member := range d.SwitchoverDetails {
		add(member.SourceMember, scaling.BlueRole)
		add(member.TargetMember, scaling.GreenRole)
	}
	add(d.Source, scaling.BlueRole)
	add(d.Target, scaling.GreenRole)
}

// addBlueGreen adds the blue/green deployment of a target to its observation, or why it could not be read. It returns false when the
// deployments must be read first. The caller holds s.mu.
func (s *scopeClient) addBlueGreen(o *scaling.Observation, requestedAt time.Time) bool {
	if s.blueGreen.isStale(requestedAt, blueGreenInterval, blueGreenRetryInterval) {
		return false
	}
	if s.blueGreen.err != nil {
		o.BlueGreenUnknown = unreadableReason(s.blueGreen.err, "rds:DescribeBlueGreenDeployments")
		return true
	}
	if d, exists := s.blueGreen.value[o.ARN]; exists {
		o.BlueGreen = &d
	}
	return true
}
