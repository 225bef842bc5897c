package rdssim

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/dbscaler/dbscaler/internal/rdssim/model"
)

// eventsDuration is what DescribeEvents looks back by default.
const eventsDuration = time.Hour

func minutes(n int) time.Duration { return time.Duration(n) * time.Minute }

// asFault turns the world's error into an answer.
func asFault(err error) *model.Fault {
	var f *model.Fault
	if err == nil {
		return nil
	}
	if errors.As(err, &f) {
		return f
	}
	return &model.Fault{Code: "InternalFailure", Message: err.Error(), HTTPStatus: http.StatusInternalServerError}
}

func (s *Server) modifyInstance(r *request) (any, *model.Fault) {
	f := r.form
	i, failed := s.instance(r, f.Get("DBInstanceIdentifier"))
	if failed != nil {
		return nil, failed
	}
	if denied := s.allow(r, "rds:ModifyDBInstance", i.ARN(), i.Tags, nil); denied != nil {
		return nil, denied
	}
	tier, failed := f.number("PromotionTier")
	if failed != nil {
		return nil, failed
	}
	change := model.Modify{
		Class: f.text("DBInstanceClass"), PromotionTier: tier, EngineVersion: f.text("EngineVersion"),
		CACertificate: f.text("CACertificateIdentifier"), ApplyImmediately: f.flag("ApplyImmediately"),
	}
	if f.Has("MultiAZ") {
		multi := f.flag("MultiAZ")
		change.MultiAZ = &multi
	}
	changed, err := s.options.World.ModifyInstance(r.caller.region, i.Identifier, change)
	if err != nil {
		return nil, asFault(err)
	}
	return &modifyDBInstanceResult{DBInstance: instanceXML(changed)}, nil
}

// modifyCluster is there to refuse: the class of an Aurora cluster is that of its instances.
func (s *Server) modifyCluster(r *request) (any, *model.Fault) {
	c, failed := s.cluster(r, r.form.Get("DBClusterIdentifier"))
	if failed != nil {
		return nil, failed
	}
	if denied := s.allow(r, "rds:ModifyDBCluster", c.ARN(), c.Tags, nil); denied != nil {
		return nil, denied
	}
	return nil, &model.Fault{Code: "InvalidParameterCombination", HTTPStatus: http.StatusBadRequest,
		Message: "The parameter DBClusterInstanceClass can only be used with Multi-AZ DB clusters; the simulator changes nothing else of a cluster."}
}

func (s *Server) createInstance(r *request) (any, *model.Fault) {
	f := r.form
	c, failed := s.cluster(r, f.Get("DBClusterIdentifier"))
	if failed != nil {
		return nil, failed
	}
	tags := f.tags()
	made := model.Instance{Identifier: f.Get("DBInstanceIdentifier"), Region: r.caller.region, AccountID: r.caller.account}
	for _, check := range []struct {
		action, resource string
		tags, asked      map[string]string
	}{
		{"rds:CreateDBInstance", made.ARN(), nil, tags},
		{"rds:CreateDBInstance", c.ARN(), c.Tags, tags},
		{"rds:AddTagsToResource", made.ARN(), nil, tags},
	} {
		if check.action == "rds:AddTagsToResource" && len(tags) == 0 {
			continue
		}
		if denied := s.allow(r, check.action, check.resource, check.tags, check.asked); denied != nil {
			return nil, denied
		}
	}
	tier, failed := f.number("PromotionTier")
	if failed != nil {
		return nil, failed
	}
	interval, failed := f.number("MonitoringInterval")
	if failed != nil {
		return nil, failed
	}
	create := model.Create{
		Identifier: made.Identifier, Cluster: c.Identifier, Engine: f.Get("Engine"), Class: f.Get("DBInstanceClass"),
		PromotionTier: tier, AvailabilityZone: f.Get("AvailabilityZone"), ParameterGroup: f.Get("DBParameterGroupName"),
		PerformanceInsights: f.flag("EnablePerformanceInsights"), CACertificate: f.Get("CACertificateIdentifier"),
		MaintenanceWindow: f.Get("PreferredMaintenanceWindow"), Tags: tags,
	}
	if interval != nil {
		create.MonitoringInterval = *interval
	}
	created, err := s.options.World.CreateInstance(r.caller.region, create)
	if err != nil {
		return nil, asFault(err)
	}
	return &createDBInstanceResult{DBInstance: instanceXML(created)}, nil
}

func (s *Server) deleteInstance(r *request) (any, *model.Fault) {
	i, failed := s.instance(r, r.form.Get("DBInstanceIdentifier"))
	if failed != nil {
		return nil, failed
	}
	if denied := s.allow(r, "rds:DeleteDBInstance", i.ARN(), i.Tags, nil); denied != nil {
		return nil, denied
	}
	deleted, err := s.options.World.DeleteInstance(r.caller.region, i.Identifier,
		r.form.flag("SkipFinalSnapshot"), r.form.Get("FinalDBSnapshotIdentifier"))
	if err != nil {
		return nil, asFault(err)
	}
	return &deleteDBInstanceResult{DBInstance: instanceXML(deleted)}, nil
}

func (s *Server) failoverCluster(r *request) (any, *model.Fault) {
	c, failed := s.cluster(r, r.form.Get("DBClusterIdentifier"))
	if failed != nil {
		return nil, failed
	}
	if denied := s.allow(r, "rds:FailoverDBCluster", c.ARN(), c.Tags, nil); denied != nil {
		return nil, denied
	}
	target := r.form.Get("TargetDBInstanceIdentifier")
	if i, failed := s.instance(r, target); failed == nil {
		if denied := s.allow(r, "rds:FailoverDBCluster", i.ARN(), i.Tags, nil); denied != nil {
			return nil, denied
		}
	}
	changed, err := s.options.World.FailoverCluster(r.caller.region, c.Identifier, target)
	if err != nil {
		return nil, asFault(err)
	}
	return &failoverDBClusterResult{DBCluster: s.clusterXML(r, changed)}, nil
}

func (s *Server) rebootInstance(r *request) (any, *model.Fault) {
	i, failed := s.instance(r, r.form.Get("DBInstanceIdentifier"))
	if failed != nil {
		return nil, failed
	}
	if denied := s.allow(r, "rds:RebootDBInstance", i.ARN(), i.Tags, nil); denied != nil {
		return nil, denied
	}
	changed, err := s.options.World.RebootInstance(r.caller.region, i.Identifier, r.form.flag("ForceFailover"))
	if err != nil {
		return nil, asFault(err)
	}
	return &rebootDBInstanceResult{DBInstance: instanceXML(changed)}, nil
}

// resource finds the tags of one of the caller's resources.
func (s *Server) resource(r *request) (arn string, tags map[string]string, failed *model.Fault) {
	arn = r.form.Get("ResourceName")
	parts := strings.Split(arn, ":")
	if len(parts) != 7 || parts[3] != r.caller.region || parts[4] != r.caller.account {
		return arn, nil, &model.Fault{Code: "InvalidParameterValue", Message: "Invalid resource name: " + arn, HTTPStatus: http.StatusBadRequest}
	}
	tags, err := s.options.World.Tags(arn)
	return arn, tags, asFault(err)
}

func (s *Server) listTags(r *request) (any, *model.Fault) {
	arn, tags, failed := s.resource(r)
	if failed != nil {
		return nil, failed
	}
	if denied := s.allow(r, "rds:ListTagsForResource", arn, tags, nil); denied != nil {
		return nil, denied
	}
	return &listTagsResult{TagList: tagsXML(tags)}, nil
}

func (s *Server) addTags(r *request) (any, *model.Fault) {
	arn, tags, failed := s.resource(r)
	if failed != nil {
		return nil, failed
	}
	if denied := s.allow(r, "rds:AddTagsToResource", arn, tags, r.form.tags()); denied != nil {
		return nil, denied
	}
	return &emptyResult{}, asFault(s.options.World.AddTags(arn, r.form.tags()))
}

func (s *Server) removeTags(r *request) (any, *model.Fault) {
	arn, tags, failed := s.resource(r)
	if failed != nil {
		return nil, failed
	}
	if denied := s.allow(r, "rds:RemoveTagsFromResource", arn, tags, nil); denied != nil {
		return nil, denied
	}
	return &emptyResult{}, asFault(s.options.World.RemoveTags(arn, r.form.list("TagKeys.member")))
}
