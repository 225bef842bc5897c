package convert

import (
	"slices"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// unservedReaders lists the readers of a record that nobody has seen in service.
func unservedReaders(r v1alpha1.OperationRecord) []string {
	var names []string
	for _, i := range r.Instances {
		if isUnserved(i) {
			names = append(names, i.Identifier)
		}
	}
	return names
}

func isUnserved(i v1alpha1.ChangedInstance) bool {
	return i.Action == v1alpha1.StepAction(scaling.CreateReader) && i.Effect == v1alpha1.EffectNone
}

// onlyUnserved returns the unserved readers, which are kept as long as their record.
func onlyUnserved(instances []v1alpha1.ChangedInstance) []v1alpha1.ChangedInstance {
	var kept []v1alpha1.ChangedInstance
	for _, i := range instances {
		if isUnserved(i) {
			kept = append(kept, i)
		}
	}
	return kept
}

// SetUnservedReaders writes to the records which of their readers nobody has seen in service. The two histories have the same order.
func SetUnservedReaders(records []v1alpha1.OperationRecord, h scaling.History) {
	for n := range records {
		for k := range records[n].Instances {
			if i := &records[n].Instances[k]; isUnserved(*i) && !slices.Contains(h[n].UnservedReaders, i.Identifier) {
				i.Effect = ""
			}
		}
	}
}
