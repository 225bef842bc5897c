package rdssim

import (
	"fmt"
	"slices"

	"github.com/dbscaler/dbscaler/internal/rdssim/model"
)

const (
	// autoScalingNamespace and readReplicaCountDimension identify the number of readers of an Aurora cluster (Application Auto
	// Scaling API reference, ScalableTarget).
	autoScalingNamespace, readReplicaCountDimension = "rds", "rds:cluster:ReadReplicaCount"
	// maxScalableTargets is the maximum and default page size, and the maximum number of resource IDs in a request.
	maxScalableTargets = 50
)

// describeScalableTargetsRequest is a DescribeScalableTargets request.
type describeScalableTargetsRequest struct {
	ServiceNamespace, ScalableDimension, NextToken string
	ResourceIDs                                    []string `json:"ResourceIds"`
	MaxResults                                     *int
}

// scalableTarget is an element of the response. CreationTime is in seconds since 1970, as in all JSON protocols.
type scalableTarget struct {
	ServiceNamespace, ScalableDimension string
	ResourceID                          string `json:"ResourceId"`
	MinCapacity, MaxCapacity            int
	RoleARN, ScalableTargetARN          string
	CreationTime                        int64
	SuspendedState                      struct {
		DynamicScalingInSuspended, DynamicScalingOutSuspended, ScheduledScalingSuspended bool
	}
}

type describeScalableTargetsResponse struct {
	ScalableTargets []scalableTarget
	NextToken       string `json:",omitempty"`
}

// handleAutoScaling executes an operation of Application Auto Scaling (API version 2016-02-06).
func (s *Server) handleAutoScaling(r *request) (any, *model.APIError) {
	if r.operation != "DescribeScalableTargets" {
		return nil, invalidAction(r.operation)
	}
	if denied := s.authorize(r, "application-autoscaling:DescribeScalableTargets", "*", nil); denied != nil {
		return nil, denied
	}
	var in describeScalableTargetsRequest
	if apiErr := decodeJSON(r, &in); apiErr != nil {
		return nil, apiErr
	}
	pageSize := maxScalableTargets
	if in.MaxResults != nil {
		pageSize = *in.MaxResults
	}
	switch {
	case in.ServiceNamespace != autoScalingNamespace:
		return nil, validationException("serviceNamespace %q: the simulator supports only %s.", in.ServiceNamespace, autoScalingNamespace)
	case in.ScalableDimension != "" && in.ScalableDimension != readReplicaCountDimension:
		return nil, validationException("scalableDimension %q: the simulator supports only %s.", in.ScalableDimension, readReplicaCountDimension)
	case pageSize < 1 || pageSize > maxScalableTargets || len(in.ResourceIDs) > maxScalableTargets:
		return nil, validationException("maxResults and the number of resourceIds must be from 1 to %d.", maxScalableTargets)
	}
	offset, _, apiErr := decodePageToken(in.NextToken)
	if apiErr != nil {
		return nil, badRequest("InvalidNextTokenException", "%s", apiErr.Message)
	}
	out := describeScalableTargetsResponse{ScalableTargets: []scalableTarget{}}
	matched := 0
	for _, t := range s.options.World.ScalableTargets(r.caller.region) {
		id := "cluster:" + t.ClusterIdentifier
		if t.AccountID != r.caller.account || len(in.ResourceIDs) > 0 && !slices.Contains(in.ResourceIDs, id) {
			continue
		}
		if matched++; matched <= offset {
			continue
		}
		if len(out.ScalableTargets) == pageSize {
			out.NextToken = encodePageToken(offset+pageSize, 0)
			break
		}
		out.ScalableTargets = append(out.ScalableTargets, scalableTarget{
			ServiceNamespace: autoScalingNamespace, ScalableDimension: readReplicaCountDimension, ResourceID: id,
			MinCapacity: t.MinCapacity, MaxCapacity: t.MaxCapacity, CreationTime: t.CreatedAt.Unix(),
			RoleARN: "arn:aws:iam::" + t.AccountID + ":role/aws-service-role/rds.application-autoscaling.amazonaws.com/" +
				"AWSServiceRoleForApplicationAutoScaling_RDSCluster",
			ScalableTargetARN: fmt.Sprintf("arn:aws:application-autoscaling:%s:%s:scalable-target/%s", t.Region, t.AccountID, t.ClusterIdentifier),
		})
	}
	return out, nil
}

// validationException is the error of Application Auto Scaling for an invalid request.
func validationException(format string, args ...any) *model.APIError {
	return badRequest("ValidationException", format, args...)
}
