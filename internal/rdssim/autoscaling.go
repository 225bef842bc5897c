package rdssim

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"github.com/dbscaler/dbscaler/internal/rdssim/model"
)

const (
	// autoScalingNamespace and readReplicaCountDimension are how Application Auto Scaling names Aurora's readers (its API reference,
	// ScalableTarget).
	autoScalingNamespace, readReplicaCountDimension = "rds", "rds:cluster:ReadReplicaCount"
	// maxScalableTargets is how many targets a page has, at most and by default, and how many resource ids a request may name.
	maxScalableTargets = 50
)

// describeScalableTargetsRequest is DescribeScalableTargets.
type describeScalableTargetsRequest struct {
	ServiceNamespace, ScalableDimension, NextToken string
	ResourceIDs                                    []string `json:"ResourceIds"`
	MaxResults                                     *int
}

// scalableTarget is one of its answers. Times are seconds since 1970, as JSON protocols have them.
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

// handleAutoScaling carries out an operation of Application Auto Scaling (API version 2016-02-06).
func (s *Server) handleAutoScaling(r *request) (any, *model.APIError) {
	if r.operation != "DescribeScalableTargets" {
		return nil, invalidAction(r.operation)
	}
	if denied := s.authorize(r, "application-autoscaling:DescribeScalableTargets", "*", nil); denied != nil {
		return nil, denied
	}
	var in describeScalableTargetsRequest
	if err := json.NewDecoder(r.httpRequest.Body).Decode(&in); err != nil {
		return nil, &model.APIError{Code: "SerializationException", Message: err.Error(), HTTPStatus: http.StatusBadRequest}
	}
	pageSize := maxScalableTargets
	if in.MaxResults != nil {
		pageSize = *in.MaxResults
	}
	switch {
	case in.ServiceNamespace != autoScalingNamespace:
		return nil, validationException("serviceNamespace %q: the simulator has %s alone.", in.ServiceNamespace, autoScalingNamespace)
	case in.ScalableDimension != "" && in.ScalableDimension != readReplicaCountDimension:
		return nil, validationException("scalableDimension %q is not %s.", in.ScalableDimension, readReplicaCountDimension)
	case pageSize < 1 || pageSize > maxScalableTargets || len(in.ResourceIDs) > maxScalableTargets:
		return nil, validationException("maxResults and the number of resourceIds must be from 1 to %d.", maxScalableTargets)
	}
	offset, _, failed := decodePageToken(in.NextToken)
	if failed != nil {
		return nil, &model.APIError{Code: "InvalidNextTokenException", Message: failed.Message, HTTPStatus: http.StatusBadRequest}
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
			out.NextToken = base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%d:0", offset+pageSize))
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

func validationException(format string, args ...any) *model.APIError {
	return &model.APIError{Code: "ValidationException", Message: fmt.Sprintf(format, args...), HTTPStatus: http.StatusBadRequest}
}
