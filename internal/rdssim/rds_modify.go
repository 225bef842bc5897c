package rdssim

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/dbscaler/dbscaler/internal/rdssim/model"
)

// toAPIError converts an error of the model.
func toAPIError(err error) *model.APIError {
	var f *model.APIError
	if err == nil {
		return nil
	}
	if errors.As(err, &f) {
		return f
	}
	return &model.APIError{Code: "InternalFailure", Message: err.Error(), HTTPStatus: http.StatusInternalServerError}
}

func (s *Server) modifyInstance(r *request) (any, *model.APIError) {
	f := r.form
	i, apiErr := s.findInstance(r, f.Get("DBInstanceIdentifier"))
	if apiErr != nil {
		return nil, apiErr
	}
	if denied := s.authorize(r, "rds:ModifyDBInstance", i.ARN(), tagConditions(i.Tags, nil)); denied != nil {
		return nil, denied
	}
	tier, apiErr := f.optionalInt("PromotionTier")
	if apiErr != nil {
		return nil, apiErr
	}
	change := model.ModifyInstanceRequest{
		Class: f.optionalString("DBInstanceClass"), PromotionTier: tier, EngineVersion: f.optionalString("EngineVersion"),
		CACertificate: f.optionalString("CACertificateIdentifier"), ApplyImmediately: f.isTrue("ApplyImmediately"),
	}
	if f.Has("MultiAZ") {
		multi := f.isTrue("MultiAZ")
		change.MultiAZ = &multi
	}
	changed, err := s.options.World.ModifyInstance(r.caller.region, i.Identifier, change)
	if err != nil {
		return nil, toAPIError(err)
	}
	return &modifyDBInstanceResult{DBInstance: newInstanceElement(changed)}, nil
}

// modifyCluster changes the class of a Multi-AZ DB cluster immediately, or the Serverless v2 capacity of an Aurora cluster.
func (s *Server) modifyCluster(r *request) (any, *model.APIError) {
	c, apiErr := s.findCluster(r, r.form.Get("DBClusterIdentifier"))
	if apiErr != nil {
		return nil, apiErr
	}
	if denied := s.authorize(r, "rds:ModifyDBCluster", c.ARN(), tagConditions(c.Tags, nil)); denied != nil {
		return nil, denied
	}
	for _, id := range c.Members { // the dependent action of rds:ModifyDBCluster (Service Authorization Reference, Amazon RDS)
		if i, apiErr := s.findInstance(r, id); apiErr == nil {
			if denied := s.authorize(r, "rds:ModifyDBInstance", i.ARN(), tagConditions(i.Tags, nil)); denied != nil {
				return nil, denied
			}
		}
	}
	if r.form.Has("ServerlessV2ScalingConfiguration.MaxCapacity") || r.form.Has("ServerlessV2ScalingConfiguration.MinCapacity") {
		return s.modifyCapacity(r, c)
	}
	if !r.form.Has("DBClusterInstanceClass") || !r.form.isTrue("ApplyImmediately") {
		return nil, badRequest("InvalidParameterCombination",
			"The simulator supports only a change of DBClusterInstanceClass with ApplyImmediately, or of the Serverless v2 capacity.")
	}
	changed, err := s.options.World.ModifyClusterClass(r.caller.region, c.Identifier, r.form.Get("DBClusterInstanceClass"))
	if err != nil {
		return nil, toAPIError(err)
	}
	return &modifyDBClusterResult{DBCluster: s.newClusterElement(r, changed)}, nil
}

// modifyCapacity changes the capacity range of Serverless v2. Missing parameters stay unchanged.
func (s *Server) modifyCapacity(r *request, c *model.Cluster) (any, *model.APIError) {
	capacity := model.ServerlessCapacity{}
	if c.Capacity != nil {
		capacity = *c.Capacity
	}
	pause, apiErr := r.form.optionalInt("ServerlessV2ScalingConfiguration.SecondsUntilAutoPause")
	if apiErr != nil {
		return nil, apiErr
	}
	for name, value := range map[string]*float64{"MinCapacity": &capacity.Min, "MaxCapacity": &capacity.Max} {
		text := r.form.Get("ServerlessV2ScalingConfiguration." + name)
		if text == "" {
			continue
		}
		number, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, badRequest("InvalidParameterValue", "%s must be a number", name)
		}
		*value = number
	}
	if pause != nil {
		capacity.SecondsUntilAutoPause = *pause
	} else if capacity.Min > 0 {
		capacity.SecondsUntilAutoPause = 0
	}
	changed, err := s.options.World.ModifyServerlessCapacity(r.caller.region, c.Identifier, capacity, r.form.isTrue("ApplyImmediately"))
	if err != nil {
		return nil, toAPIError(err)
	}
	return &modifyDBClusterResult{DBCluster: s.newClusterElement(r, changed)}, nil
}

func (s *Server) deleteInstance(r *request) (any, *model.APIError) {
	i, apiErr := s.findInstance(r, r.form.Get("DBInstanceIdentifier"))
	if apiErr != nil {
		return nil, apiErr
	}
	if denied := s.authorize(r, "rds:DeleteDBInstance", i.ARN(), tagConditions(i.Tags, nil)); denied != nil {
		return nil, denied
	}
	deleted, err := s.options.World.DeleteInstance(r.caller.region, i.Identifier,
		r.form.isTrue("SkipFinalSnapshot"), r.form.Get("FinalDBSnapshotIdentifier"))
	if err != nil {
		return nil, toAPIError(err)
	}
	return &deleteDBInstanceResult{DBInstance: newInstanceElement(deleted)}, nil
}

func (s *Server) failoverCluster(r *request) (any, *model.APIError) {
	c, apiErr := s.findCluster(r, r.form.Get("DBClusterIdentifier"))
	if apiErr != nil {
		return nil, apiErr
	}
	if denied := s.authorize(r, "rds:FailoverDBCluster", c.ARN(), tagConditions(c.Tags, nil)); denied != nil {
		return nil, denied
	}
	target := r.form.Get("TargetDBInstanceIdentifier")
	if i, apiErr := s.findInstance(r, target); apiErr == nil {
		if denied := s.authorize(r, "rds:FailoverDBCluster", i.ARN(), tagConditions(i.Tags, nil)); denied != nil {
			return nil, denied
		}
	}
	changed, err := s.options.World.FailoverCluster(r.caller.region, c.Identifier, target)
	if err != nil {
		return nil, toAPIError(err)
	}
	return &failoverDBClusterResult{DBCluster: s.newClusterElement(r, changed)}, nil
}

func (s *Server) rebootInstance(r *request) (any, *model.APIError) {
	i, apiErr := s.findInstance(r, r.form.Get("DBInstanceIdentifier"))
	if apiErr != nil {
		return nil, apiErr
	}
	if denied := s.authorize(r, "rds:RebootDBInstance", i.ARN(), tagConditions(i.Tags, nil)); denied != nil {
		return nil, denied
	}
	changed, err := s.options.World.RebootInstance(r.caller.region, i.Identifier, r.form.isTrue("ForceFailover"))
	if err != nil {
		return nil, toAPIError(err)
	}
	return &rebootDBInstanceResult{DBInstance: newInstanceElement(changed)}, nil
}
