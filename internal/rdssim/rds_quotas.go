package rdssim

import "github.com/dbscaler/dbscaler/internal/rdssim/model"

type describeAccountAttributesResult struct {
	AccountQuotas []accountQuotaElement `xml:"AccountQuotas>AccountQuota"`
}

type accountQuotaElement struct {
	AccountQuotaName string `xml:"AccountQuotaName"`
	Used             int    `xml:"Used"`
	Max              int    `xml:"Max"`
}

// describeAccountAttributes lists the quotas of the caller's account in the region that the simulator enforces. AWS lists more.
func (s *Server) describeAccountAttributes(r *request) (any, *model.APIError) {
	if denied := s.authorize(r, "rds:DescribeAccountAttributes", "*", nil); denied != nil {
		return nil, denied
	}
	instances := s.listInstances(r)
	replicas := map[string]int{}
	for _, i := range instances {
		if i.ReplicationSource != "" {
			replicas[i.ReplicationSource]++
		}
	}
	mostReplicas := 0
	for _, count := range replicas {
		mostReplicas = max(mostReplicas, count)
	}
	return &describeAccountAttributesResult{[]accountQuotaElement{
		{"DBInstances", len(instances), s.options.World.InstanceQuota()},
		{"ReadReplicasPerMaster", mostReplicas, model.ReplicaQuota},
	}}, nil
}
