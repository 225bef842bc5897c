package awsx

import (
	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// TargetDetails are what the first policy of a target needs and neither its observation nor Settings states.
type TargetDetails struct {
	// MaintenanceWindow is the weekly window of the writer, or of a Multi-AZ DB cluster as a whole, in the form of the RDS API, in UTC
	// (RDS API reference, PreferredMaintenanceWindow); empty when it is not known.
	MaintenanceWindow string
	// Monitored says for each instance whether Enhanced Monitoring is on (RDS API reference, DBInstance.MonitoringInterval).
	Monitored map[string]bool
}

// TargetDetails returns the details of a target from the newest topology that was read for it; false when it was not found there.
func (i *Inspector) TargetDetails(target scaling.Target) (TargetDetails, bool) {
	i.client.mu.Lock()
	defer i.client.mu.Unlock()
	view := i.client.topologyOf(target)
	if view == nil {
		return TargetDetails{}, false
	}
	o := view.observe(target)
	if !o.Found {
		return TargetDetails{}, false
	}
	d := TargetDetails{Monitored: map[string]bool{}}
	for _, instance := range o.Instances {
		db := view.instance(instance.Identifier)
		d.Monitored[instance.Identifier] = aws.ToInt32(db.MonitoringInterval) > 0
		if instance.Writer {
			d.MaintenanceWindow = aws.ToString(db.PreferredMaintenanceWindow)
		}
	}
	if window := aws.ToString(view.cluster(target.Identifier).PreferredMaintenanceWindow); target.Kind == scaling.DBCluster && window != "" &&
		(o.ResizedAsUnit || d.MaintenanceWindow == "") {
		d.MaintenanceWindow = window
	}
	return d, true
}
