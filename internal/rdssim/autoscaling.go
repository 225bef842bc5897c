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
	// scalableNamespace and readReplicaCount are how Application Auto Scaling names Aurora's readers (its API reference,
	// ScalableTarget).
	scalableNamespace, readReplicaCount = "rds", "rds:cluster:ReadReplicaCount"
	// mostScalable is how many targets a page has, at most and by default, and how many resource ids a request may name.
	mostScalable = 50
)

// scalableRequest is DescribeScalableTargets.
type scalableRequest struct {
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

type scalableAnswer struct {
	ScalableTargets []scalableTarget
	NextToken       string `json:",omitempty"`
}

// autoScaling carries out an operation of Application Auto Scaling (API version 2016-02-06).
func (s *Server) autoScaling(r *request) (any, *model.Fault) {
	if r.operation != "DescribeScalableTargets" {
		return nil, invalidAction(r.operation)
	}
	if denied := s.allow(r, "application-autoscaling:DescribeScalableTargets", "*", nil); denied != nil {
		return nil, denied
	}
	var in scalableRequest
	if err := json.NewDecoder(r.in.Body).Decode(&in); err != nil {
		return nil, &model.Fault{Code: "SerializationException", Message: err.Error(), HTTPStatus: http.StatusBadRequest}
	}
	size := mostScalable
	if in.MaxResults != nil {
		size = *in.MaxResults
	}
	switch {
	case in.ServiceNamespace != scalableNamespace:
		return nil, invalidScalable("serviceNamespace %q: the simulator has %s alone.", in.ServiceNamespace, scalableNamespace)
	case in.ScalableDimension != "" && in.ScalableDimension != readReplicaCount:
		return nil, invalidScalable("scalableDimension %q is not %s.", in.ScalableDimension, readReplicaCount)
	case size < 1 || size > mostScalable || len(in.ResourceIDs) > mostScalable:
		return nil, invalidScalable("maxResults and the number of resourceIds must be from 1 to %d.", mostScalable)
	}
	first, _, failed := readToken(in.NextToken)
	if failed != nil {
		return nil, &model.Fault{Code: "InvalidNextTokenException", Message: failed.Message, HTTPStatus: http.StatusBadRequest}
	}
	out := scalableAnswer{ScalableTargets: []scalableTarget{}}
	found := 0
	for _, t := range s.options.World.ScalableTargets(r.caller.region) {
		id := "cluster:" + t.Cluster
		if t.AccountID != r.caller.account || len(in.ResourceIDs) > 0 && !slices.Contains(in.ResourceIDs, id) {
			continue
		}
		if found++; found <= first {
			continue
		}
		if len(out.ScalableTargets) == size {
			out.NextToken = base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%d:0", first+size))
			break
		}
		out.ScalableTargets = append(out.ScalableTargets, scalableTarget{
			ServiceNamespace: scalableNamespace, ScalableDimension: readReplicaCount, ResourceID: id,
			MinCapacity: t.MinCapacity, MaxCapacity: t.MaxCapacity, CreationTime: t.CreatedAt.Unix(),
			RoleARN: "arn:aws:iam::" + t.AccountID + ":role/aws-service-role/rds.application-autoscaling.amazonaws.com/" +
				"AWSServiceRoleForApplicationAutoScaling_RDSCluster",
			ScalableTargetARN: fmt.Sprintf("arn:aws:application-autoscaling:%s:%s:scalable-target/%s", t.Region, t.AccountID, t.Cluster),
		})
	}
	return out, nil
}

func invalidScalable(format string, args ...any) *model.Fault {
	return &model.Fault{Code: "ValidationException", Message: fmt.Sprintf(format, args...), HTTPStatus: http.StatusBadRequest}
}
