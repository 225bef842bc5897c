package guard

import (
	"testing"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// withFailedReader adds a reader that AWS failed to create.
func withFailedReader(status string) func(*Input) {
	return func(in *Input) {
		failed := scaling.Instance{Identifier: "engine-dbscaler-x-1", Class: large, Status: status}
		createdByOperator(&failed)
		in.Observation.Instances = append(in.Observation.Instances, failed)
	}
}

// failedReaderCleanup proposes to delete it.
func failedReaderCleanup(in *Input) {
	in.Proposal = scaling.Proposal{Reason: "FailedReader", Change: scaling.Change{Pool: scaling.Readers, Direction: scaling.Cleanup}}
	in.Operation.Steps = []scaling.Step{deleteStep("engine-dbscaler-x-1")}
}

// A reader that AWS failed to create may be deleted: outside the windows, without samples, and as the only reader.
func TestCheck_FailedReader(t *testing.T) {
	withoutOthers := func(in *Input) {
		in.Observation.Instances = append(in.Observation.Instances[:1:1], in.Observation.Instances[3:]...)
		in.Pools = in.Pools[1:]
	}
	closedWindow := func(in *Input) {
		in.Policy.DisruptionWindows = []scaling.Window{{Schedule: "0 0 31 2 *", Duration: 1, TimeZone: "UTC"}}
	}
	served := func(in *Input) { in.Observation.Instances[3].CreatedAt = now.Add(-day) }
	foreign := func(in *Input) { in.Observation.Instances[3].Tags = map[string]string{scaling.TagOptIn: "platform"} }
	renamed := func(in *Input) {
		in.Observation.Instances[3].Identifier = "reporting"
		in.Operation.Steps = []scaling.Step{deleteStep("reporting")}
	}
	for _, test := range []struct {
		name string
		in   Input
		want string
	}{
		{"insufficient-capacity", approvedInput(withFailedReader("insufficient-capacity"), failedReaderCleanup), ""},
		{"incompatible-network", approvedInput(withFailedReader("incompatible-network"), failedReaderCleanup), ""},
		{"incompatible-create", approvedInput(withFailedReader("incompatible-create"), failedReaderCleanup), ""},
		{"outside the disruption windows", approvedInput(withFailedReader("failed"), failedReaderCleanup, closedWindow), ""},
		{"the only reader", approvedInput(withFailedReader("failed"), failedReaderCleanup, withoutOthers), ""},
		{"another instance is busy", approvedInput(withFailedReader("failed"), failedReaderCleanup, editInstance(1, withStatus("modifying"))), "DatabaseBusy"},
		{"has a creation time, and was never seen in service", approvedInput(withFailedReader("incompatible-network"), failedReaderCleanup, served,
			func(in *Input) { in.Observation.Instances[3].NeverServed = true }), ""},
		{"storage-full, and was not seen in service", approvedInput(withFailedReader("storage-full"), failedReaderCleanup, served,
			func(in *Input) { in.Observation.Instances[3].NeverServed = true }), "DatabaseBusy"},
		{"has served", approvedInput(withFailedReader("incompatible-parameters"), failedReaderCleanup, served), "DatabaseBusy"},
		{"created by somebody else", approvedInput(withFailedReader("failed"), failedReaderCleanup, foreign), "DatabaseBusy"},
		{"not named by dbscaler", approvedInput(withFailedReader("failed"), failedReaderCleanup, renamed), "DatabaseBusy"},
		{"another proposal", approvedInput(withFailedReader("failed")), ""},
		{"an emergency of the writer", approvedInput(withFailedReader("failed"), writerScaleUp, func(in *Input) {
			in.Proposal.Emergency = true
			in.Operation.Steps = []scaling.Step{createStep("s"), resizeStep("a"), deleteStep("s")}
		}), ""},
	} {
		vetoes := Check(test.in)
		got := ""
		if len(vetoes) > 0 {
			got = vetoes[0].Guard
		}
		if got != test.want {
			t.Errorf("%s: got %+v, want %q", test.name, vetoes, test.want)
		}
	}
}

// A failed reader is no reader in service: the resize of the only other one needs a surge reader.
func TestCheck_FailedReaderIsNoCapacity(t *testing.T) {
	in := approvedInput(withFailedReader("failed"), withSteps(resizeStep("a")), func(in *Input) {
		in.Observation.Instances = append(in.Observation.Instances[:2:2], in.Observation.Instances[3:]...)
	})
	if vetoes := Check(in); len(vetoes) == 0 || vetoes[0].Guard != "MinimumReaders" {
		t.Errorf("got %+v", vetoes)
	}
}

// While AWS works on the storage, the database is not busy; after a failed upgrade it needs a person.
func TestCheck_StorageWorkIsNotBusy(t *testing.T) {
	for status, want := range map[string]string{
		"storage-optimization": "", "storage-initialization": "", "storage-config-upgrade": "", "modifying": "DatabaseBusy", "upgrade_failed": "DatabaseBusy",
	} {
		in := approvedInput(editInstance(0, withStatus(status)), func(in *Input) { in.Observation.Status = status })
		vetoes := Check(in)
		if len(vetoes) > 0 != (want != "") || want != "" && vetoes[0].Guard != want {
			t.Errorf("%s: %+v, want %q", status, vetoes, want)
		}
	}
	if !scaling.IsBroken("upgrade_failed") || !scaling.IsBroken("incompatible-create") || !scaling.IsServing("storage-initialization") {
		t.Error("a status is not classified as in the RDS user guide")
	}
}
